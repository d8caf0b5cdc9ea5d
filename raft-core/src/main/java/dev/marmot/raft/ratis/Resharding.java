package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.ActivateRequest;
import dev.marmot.proto.v1.AliveReply;
import dev.marmot.proto.v1.RaftState;
import dev.marmot.raft.ChangeException;
import dev.marmot.raft.ChangeException.Outcome;
import dev.marmot.raft.Member;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Changes the number of data shards. Confined to the thread for changes, where it waits for other
 * nodes.
 *
 * <p>Where an entry travels has no meaning, so members may use different numbers for a while; only
 * a log that somebody uses must exist everywhere.
 */
final class Resharding {
  private static final Logger logger = LoggerFactory.getLogger(Resharding.class);
  private static final Duration CALL = Duration.ofSeconds(30);

  private final StateFile state;
  private final Members members;
  private final LogCopies copies;

  Resharding(StateFile state, Members members, LogCopies copies) {
    this.state = state;
    this.members = members;
    this.copies = copies;
  }

  void set(int shards) {
    if (shards < 1 || shards > LogGroups.MAX_SHARDS) {
      throw new IllegalStateException(
          "cannot set the number of shards to %d: it must be between 1 and %d"
              .formatted(shards, LogGroups.MAX_SHARDS));
    }
    String what = "cannot set the number of shards to " + shards + ": ";
    RaftState now = state.state();
    long version = now.getShardsVersion();
    int present = Math.max(shards, copies.logs().size() - 1);
    for (Member member : members.all()) {
      AliveReply reply =
          ask(member, Groups.PREPARE, Groups.prepare(present, now), Outcome.NOT_NOW, what);
      if (!reply.getMember()) {
        throw new ChangeException(
            Outcome.NOT_NOW, what + member.id() + " is being added; try again when it is a member");
      }
      version = Math.max(version, reply.getShardsVersion());
    }
    ByteString activate =
        ActivateRequest.newBuilder()
            .setShards(shards)
            .setShardsVersion(version + 1)
            .build()
            .toByteString();
    for (Member member : members.all()) {
      // Others may use the new number already: asking again brings all to one.
      ask(member, Groups.ACTIVATE, activate, Outcome.UNKNOWN, what);
    }
    logger.atInfo().addKeyValue("shards", shards).log("number of shards set");
  }

  private AliveReply ask(
      Member member, String method, ByteString request, Outcome otherwise, String what) {
    try {
      return AliveReply.parseFrom(copies.peers().call(member.id(), method, request, CALL).join());
    } catch (CompletionException | InvalidProtocolBufferException e) {
      throw new ChangeException(
          otherwise,
          what
              + "%s at %s does not answer: %s; all members must be up: start it or remove it, then"
                  .formatted(member.id(), member.address(), Changes.reason(e))
              + " try again",
          e);
    }
  }
}
