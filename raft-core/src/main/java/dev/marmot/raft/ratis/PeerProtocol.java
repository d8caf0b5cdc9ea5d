package dev.marmot.raft.ratis;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import dev.marmot.proto.v1.PeerReply;
import dev.marmot.proto.v1.PeerRequest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.apache.ratis.thirdparty.io.grpc.Metadata;
import org.apache.ratis.thirdparty.io.grpc.MethodDescriptor;
import org.apache.ratis.thirdparty.io.grpc.Status;

/** The one method of the service that nodes offer each other beside Ratis. Immutable. */
final class PeerProtocol {
  static final String SERVICE = "dev.marmot.v1.Peer";

  /** Cluster of the caller. */
  static final Metadata.Key<String> CLUSTER =
      Metadata.Key.of("marmot-cluster", Metadata.ASCII_STRING_MARSHALLER);

  /** Node that the caller believes to reach. */
  static final Metadata.Key<String> CALLEE =
      Metadata.Key.of("marmot-callee", Metadata.ASCII_STRING_MARSHALLER);

  static final MethodDescriptor<PeerRequest, PeerReply> CALLS =
      MethodDescriptor.<PeerRequest, PeerReply>newBuilder()
          .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
          .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, "Calls"))
          .setRequestMarshaller(new MessageMarshaller<>(PeerRequest.parser()))
          .setResponseMarshaller(new MessageMarshaller<>(PeerReply.parser()))
          .build();

  private PeerProtocol() {}

  /** Our protobuf over the gRPC that Ratis bundles: its own marshaller knows only its protobuf. */
  private record MessageMarshaller<T extends MessageLite>(Parser<T> parser)
      implements MethodDescriptor.Marshaller<T> {
    @Override
    public InputStream stream(T message) {
      return new ByteArrayInputStream(message.toByteArray());
    }

    @Override
    public T parse(InputStream stream) {
      try {
        return parser.parseFrom(stream);
      } catch (IOException e) {
        throw Status.INTERNAL
            .withDescription("cannot read a message: " + e.getMessage())
            .withCause(e)
            .asRuntimeException();
      }
    }
  }
}
