package dev.marmot.raft.ratis;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.AliveReply;
import dev.marmot.proto.v1.AliveRequest;
import dev.marmot.proto.v1.ConfigureReply;
import dev.marmot.proto.v1.ConfigureRequest;
import dev.marmot.proto.v1.RaftState;
import dev.marmot.proto.v1.RemovedNotice;
import dev.marmot.raft.ChangeException;
import dev.marmot.raft.ChangeException.Outcome;
import dev.marmot.raft.LogId;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerCallException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.ratis.protocol.RaftPeerId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds nodes to all logs and removes them, one log after the other. Confined to the membership
 * thread, where it waits for other nodes.
 *
 * <p>Each step looks at what is, so a change that broke off in the middle is finished by asking for
 * it again, at any member.
 */
final class Membership {
  private static final Logger logger = LoggerFactory.getLogger(Membership.class);
  private static final Duration CALL = Duration.ofSeconds(10);
  private static final Duration STEP = Duration.ofSeconds(2);
  private static final Duration ALIVE = Duration.ofSeconds(2);

  /** A new member gets a whole copy of the database before it is one. */
  private static final Duration ADD_LIMIT = Duration.ofMinutes(60);

  /** A newcomer that is silent for so long has died; whoever waits is let in. */
  private static final Duration SILENCE = Duration.ofSeconds(20);

  private static final Duration REMOVE_LIMIT = Duration.ofSeconds(60);
  private static final long PAUSE_MILLIS = 200;
  private static final ByteString ASK_ALIVE = AliveRequest.getDefaultInstance().toByteString();

  private final NodeId self;
  private final StateFile state;
  private final Members members;
  private final LogCopies copies;
  private final LocalLogs logs;
  private final Leadership leadership;
  private final Peers peers;

  Membership(
      StateFile state, Members members, LogCopies copies, LocalLogs logs, Leadership leadership) {
    this.self = logs.self();
    this.state = state;
    this.members = members;
    this.copies = copies;
    this.logs = logs;
    this.leadership = leadership;
    this.peers = copies.peers();
  }

  void add(Member member, boolean voting) throws InterruptedException {
    String what = "cannot add " + member.id() + " at " + member.address() + ": ";
    peers.introduce(member);
    // Not over the connection that all share: that leads to the former life of this node.
    try (PeerLink direct = peers.direct(member)) {
      add(member, voting, direct, what);
    }
  }

  private void add(Member member, boolean voting, PeerLink direct, String what)
      throws InterruptedException {
    RaftState now = state.state();
    int shards = copies.logs().size() - 1;
    Optional<RaftPeerId> former = members.peer(LogId.ORDER, member.id());
    AliveReply newcomer = prepare(direct, Groups.prepare(shards, now), what);
    RaftPeerId name = RaftPeerId.valueOf(newcomer.getPeer());
    BooleanSupplier answers =
        () -> {
          Optional<RaftPeerId> present = members.peer(LogId.ORDER, member.id());
          if (present.isPresent() && !present.equals(former) && !present.get().equals(name)) {
            throw new IllegalStateException(
                what + "another node has become " + member.id() + " meanwhile, " + present.get());
          }
          return alive(direct);
        };
    for (LogId log : copies.logs()) {
      ConfigureRequest request =
          ConfigureRequest.newBuilder()
              .setLog(log.number())
              .setAdd(newcomer.getPeer())
              .setAddress(member.address())
              .setVoting(voting)
              .build();
      configure(log, request, what, ADD_LIMIT, answers);
      logger
          .atInfo()
          .addKeyValue("log", log)
          .addKeyValue("node", member.id())
          .addKeyValue("name", newcomer.getPeer())
          .addKeyValue("voting", voting)
          .log("member added");
    }
  }

  private AliveReply prepare(PeerLink newcomer, ByteString request, String what)
      throws InterruptedException {
    long deadline = System.nanoTime() + CALL.toNanos();
    while (true) {
      try {
        return AliveReply.parseFrom(newcomer.call(Groups.PREPARE, request, CALL).join());
      } catch (CompletionException | InvalidProtocolBufferException e) {
        boolean unreachable =
            e.getCause() instanceof PeerCallException call && !call.mayHaveArrived();
        if (!unreachable || System.nanoTime() > deadline) {
          throw new ChangeException(
              Outcome.NOT_NOW, what + Changes.reason(e) + "; is it started to join?", e);
        }
      }
      // It may have been started just now.
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
    }
  }

  void remove(NodeId node, boolean force) throws InterruptedException {
    String what = "cannot remove " + node + ": ";
    List<LogId> in = new ArrayList<>();
    for (LogId log : copies.logs()) {
      if (members.peer(log, node).isPresent()) {
        // The order log last: it says who is a member when this breaks off.
        in.add(0, log);
      }
    }
    if (in.isEmpty()) {
      throw new IllegalStateException(what + "it is not a member of the cluster");
    }
    checkQuorum(node, force, what);
    Optional<Member> address =
        members.all().stream().filter(member -> member.id().equals(node)).findFirst();
    ConfigureRequest.Builder request = ConfigureRequest.newBuilder().setRemove(node.value());
    for (LogId log : in) {
      leadElsewhere(log, node);
      configure(log, request.setLog(log.number()).build(), what, REMOVE_LIMIT, () -> true);
      logger.atInfo().addKeyValue("log", log).addKeyValue("node", node).log("member removed");
    }
    tell(node, address);
  }

  /** If the removed node is up, it need not find out by itself. */
  private void tell(NodeId node, Optional<Member> address) {
    RemovedNotice notice = RemovedNotice.newBuilder().setBy(self.value()).build();
    // It may be forgotten already.
    address.ifPresent(peers::know);
    try {
      peers.call(node, Groups.REMOVED, notice.toByteString(), ALIVE).join();
    } catch (CompletionException e) {
      logger.atInfo().addKeyValue("node", node).log("removed node does not answer");
    }
    peers.forget(node);
  }

  private void checkQuorum(NodeId node, boolean force, String what) {
    Set<NodeId> voters = members.voters(LogId.ORDER);
    Set<NodeId> after = new TreeSet<>(voters);
    after.remove(node);
    if (after.isEmpty()) {
      throw new IllegalStateException(
          what + "it is the only voting member; to end the cluster, stop the nodes");
    }
    Set<NodeId> up = new TreeSet<>();
    for (NodeId voter : voters) {
      if (alive(voter)) {
        up.add(voter);
      }
    }
    if (up.size() <= voters.size() / 2) {
      throw new ChangeException(
          Outcome.NOT_NOW,
          what
              + "only %d of %d voting members are up (%s), so nothing can be decided; start the others, or if they are lost for good recover with --force-new-cluster on one that is left"
                  .formatted(up.size(), voters.size(), up));
    }
    up.retainAll(after);
    if (!force && up.size() <= after.size() / 2) {
      throw new ChangeException(
          Outcome.NOT_NOW,
          what
              + "only %d of the %d voting members that remain are up (%s), so nothing could be decided any more; start the others first, or force it"
                  .formatted(up.size(), after.size(), up));
    }
  }

  private boolean alive(NodeId node) {
    return answered(peers.call(node, Groups.ALIVE, ASK_ALIVE, ALIVE));
  }

  private static boolean alive(PeerLink node) {
    return answered(node.call(Groups.ALIVE, ASK_ALIVE, ALIVE));
  }

  private static boolean answered(CompletableFuture<ByteString> call) {
    try {
      call.join();
      return true;
    } catch (CompletionException e) {
      return false;
    }
  }

  /** A leader that removes itself leaves its log without one for a while. */
  private void leadElsewhere(LogId log, NodeId node) {
    for (NodeId to : members.voters(log)) {
      if (logs.leader(log).filter(node::equals).isEmpty()) {
        return;
      }
      if (!to.equals(node) && alive(to)) {
        try {
          leadership.transfer(log, to).join();
          return;
        } catch (CompletionException e) {
          logger
              .atInfo()
              .addKeyValue("log", log)
              .addKeyValue("reason", Changes.reason(e))
              .log("leader not moved before its removal");
        }
      }
    }
  }

  private void configure(
      LogId log, ConfigureRequest request, String what, Duration limit, BooleanSupplier newcomer)
      throws InterruptedException {
    long deadline = System.nanoTime() + limit.toNanos();
    long heard = System.nanoTime();
    String last = "it has no leader now";
    boolean asked = false;
    while (System.nanoTime() < deadline) {
      Optional<NodeId> leader = logs.leader(log);
      if (leader.isPresent()) {
        try {
          asked = true;
          ByteString reply =
              peers.call(leader.get(), Groups.CONFIGURE, request.toByteString(), STEP).join();
          ConfigureReply done = ConfigureReply.parseFrom(reply);
          if (!done.getError().isEmpty()) {
            throw new IllegalStateException(
                what + log + " refuses: " + done.getError() + "; it can be asked for again");
          }
          if (done.getRetry().isEmpty()) {
            return;
          }
          last = done.getRetry();
        } catch (CompletionException | IOException e) {
          last = Changes.reason(e);
        }
      }
      if (newcomer.getAsBoolean()) {
        heard = System.nanoTime();
      } else if (System.nanoTime() - heard > SILENCE.toNanos()) {
        throw new ChangeException(
            Outcome.UNKNOWN, what + "it does not answer any more; start it, ask for it again");
      }
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
    }
    throw new ChangeException(
        asked ? Outcome.UNKNOWN : Outcome.NOT_NOW,
        what
            + "%s did not change within %d s: %s; ask for it again"
                .formatted(log, limit.toSeconds(), last));
  }
}
