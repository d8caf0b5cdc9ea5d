package dev.marmot.raft.ratis;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.Committed;
import dev.marmot.proto.v1.NotLeader;
import dev.marmot.proto.v1.ProposeReply;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.NodeId;
import java.util.Optional;

/** What became of one attempt to append an entry at one node. Immutable. */
sealed interface ProposeOutcome {
  /** It is committed at this position. */
  record Done(LogPosition position) implements ProposeOutcome {}

  /** Not appended; somebody may lead the log, or will soon. */
  record TryElsewhere(Optional<NodeId> leader, String why) implements ProposeOutcome {}

  /** Not appended, and a retry now makes no sense. */
  record Refused(String why) implements ProposeOutcome {}

  /** It may be committed, now or later. */
  record Unknown(String why) implements ProposeOutcome {}

  /** For the node that asked. */
  default ProposeReply toReply() {
    ProposeReply.Builder reply = ProposeReply.newBuilder();
    if (this instanceof Done done) {
      reply.setCommitted(
          Committed.newBuilder().setTerm(done.position().term()).setIndex(done.position().index()));
    } else if (this instanceof TryElsewhere elsewhere) {
      reply.setNotLeader(
          NotLeader.newBuilder().setLeader(elsewhere.leader().map(NodeId::value).orElse(0)));
    } else if (this instanceof Refused refused) {
      reply.setRefused(refused.why());
    } else if (this instanceof Unknown unknown) {
      reply.setUnknown(unknown.why());
    }
    return reply.build();
  }

  /** The answer of another node. */
  static ProposeOutcome of(NodeId from, com.google.protobuf.ByteString bytes) {
    try {
      ProposeReply reply = ProposeReply.parseFrom(bytes);
      return switch (reply.getOutcomeCase()) {
        case COMMITTED ->
            new Done(
                new LogPosition(reply.getCommitted().getTerm(), reply.getCommitted().getIndex()));
        case NOT_LEADER ->
            new TryElsewhere(
                Optional.of(reply.getNotLeader().getLeader())
                    .filter(leader -> leader > 0)
                    .map(NodeId::new),
                from + " does not lead it");
        case REFUSED -> new Refused(from + " refused: " + reply.getRefused());
        case UNKNOWN -> new Unknown(from + ": " + reply.getUnknown());
        case OUTCOME_NOT_SET -> new Unknown(from + " sent an answer without an outcome");
      };
    } catch (InvalidProtocolBufferException e) {
      return new Unknown(from + " sent an answer that cannot be read: " + e.getMessage());
    }
  }
}
