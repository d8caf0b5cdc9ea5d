package dev.marmot.raft.ratis;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.ratis.conf.Parameters;
import org.apache.ratis.grpc.GrpcFactory;
import org.apache.ratis.grpc.server.GrpcServices;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.rpc.RpcFactory;
import org.apache.ratis.rpc.RpcType;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.util.ProtoUtils;
import org.jspecify.annotations.Nullable;

/**
 * Ratis' transport, where every append of a leader is answered through {@link SyncedAppends}. Ratis
 * makes it by its name. Stateless.
 */
final class SyncedRpc implements RpcType {
  private static final String COPIES = "marmot.raft.copies";

  /** Which logs a server has. Immutable. */
  private record Logs(LogGroups groups, LogCopies copies) {
    Optional<SyncedAppends> appends(RaftGroupId group) {
      return groups
          .log(group)
          .flatMap(copies::find)
          .map(LogCopy::machine)
          .map(LogStateMachine::appends);
    }
  }

  /** Before the server is built. */
  static void serve(Parameters parameters, LogGroups groups, LogCopies copies) {
    parameters.put(COPIES, new Logs(groups, copies), Logs.class);
  }

  @Override
  public String name() {
    return SyncedRpc.class.getName();
  }

  @Override
  public RpcFactory newFactory(Parameters parameters) {
    Logs logs = parameters.getNonNull(COPIES, Logs.class);
    return new GrpcFactory(parameters) {
      @Override
      public GrpcServices newRaftServerRpc(RaftServer server) {
        return super.newRaftServerRpc(answering(server, logs));
      }
    };
  }

  /** The server as its transport sees it. */
  private static RaftServer answering(RaftServer server, Logs logs) {
    return (RaftServer)
        Proxy.newProxyInstance(
            RaftServer.class.getClassLoader(),
            new Class<?>[] {RaftServer.class},
            (proxy, method, arguments) ->
                method.getName().equals("appendEntriesAsync")
                    ? append(server, logs, (AppendEntriesRequestProto) arguments[0])
                    : invoke(server, method, arguments));
  }

  private static @Nullable Object invoke(
      RaftServer server, Method method, Object @Nullable [] arguments) throws Throwable {
    try {
      return method.invoke(server, arguments);
    } catch (InvocationTargetException e) {
      throw e.getTargetException();
    }
  }

  private static CompletableFuture<AppendEntriesReplyProto> append(
      RaftServer server, Logs logs, AppendEntriesRequestProto request) throws IOException {
    RaftGroupId group = ProtoUtils.toRaftGroupId(request.getServerRequest().getRaftGroupId());
    Optional<SyncedAppends> appends =
        request.getEntriesCount() == 0 ? Optional.empty() : logs.appends(group);
    if (appends.isEmpty()) {
      return server.appendEntriesAsync(request); // says nothing of entries, or is refused
    }
    return appends
        .get()
        .append(
            request,
            () -> server.appendEntriesAsync(request),
            () -> server.getDivision(group).getRaftLog().getFlushIndex());
  }
}
