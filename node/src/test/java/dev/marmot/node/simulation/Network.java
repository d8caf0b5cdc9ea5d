package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.node.simulation.Coverage.Event;
import dev.marmot.proto.v1.OrderItem;
import dev.marmot.proto.v1.OrderLogEntry;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.ProposalException;
import dev.marmot.raft.ProposalException.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntPredicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What is between a node that proposes and the leader that commits: proposals and answers are lost,
 * delayed, repeated and reordered. Confined to the simulation's thread.
 */
final class Network {
  /** Sees each proposal when it is made. */
  @FunctionalInterface
  interface Observer {
    void proposed(int node, int log, ByteString entry);
  }

  private final SharedLogs shared;
  private final Observer observer;
  private final IntPredicate cutOff;
  private final Coverage coverage;
  private final List<Proposal> proposals = new ArrayList<>();
  private final List<Runnable> lateAnswers = new ArrayList<>();

  /**
   * @param cutOff whether a node reaches no other
   */
  Network(SharedLogs shared, Observer observer, IntPredicate cutOff, Coverage coverage) {
    this.shared = shared;
    this.observer = observer;
    this.cutOff = cutOff;
    this.coverage = coverage;
  }

  void propose(
      SimulatedLogs from, int log, ByteString entry, CompletableFuture<LogPosition> answer) {
    observer.proposed(from.node(), log, entry);
    Trace.print("  n%d proposes to log %d", from.node(), log);
    proposals.add(new Proposal(from, log, entry, answer));
  }

  /** An operator, or a duty of a leader, proposes something. */
  void proposeFromOutside(int log, ByteString entry) {
    proposals.add(new Proposal(null, log, entry, new CompletableFuture<>()));
  }

  boolean isEmpty() {
    return proposals.isEmpty() && lateAnswers.isEmpty();
  }

  /** Something happens to one proposal or one late answer. */
  void step(RandomGenerator random) {
    if (!lateAnswers.isEmpty() && random.nextInt(4) == 0) {
      lateAnswers.remove(random.nextInt(lateAnswers.size())).run();
    }
    if (proposals.isEmpty()) {
      return;
    }
    Proposal proposal = proposals.get(random.nextInt(proposals.size()));
    boolean unreachable = proposal.from != null && cutOff.test(proposal.from.node());
    int luck = random.nextInt(100);
    if (luck < 6) {
      drop(proposal, Outcome.UNKNOWN, Event.PROPOSALS_LOST);
    } else if (luck < 10) {
      drop(proposal, Outcome.NOT_PROPOSED, Event.PROPOSALS_REFUSED);
    } else if (luck < 16) {
      proposal.timedOut = true; // and may be committed later all the same
      proposal.fail(Outcome.UNKNOWN);
    } else if (!unreachable && shared.hasLeader(proposal.log)) {
      commit(proposal, random, luck);
    }
  }

  private void drop(Proposal proposal, Outcome outcome, Event event) {
    proposals.remove(proposal);
    boolean mayBeCommitted = proposal.committed || proposal.timedOut;
    proposal.fail(mayBeCommitted ? Outcome.UNKNOWN : outcome);
    coverage.count(event);
  }

  private void commit(Proposal proposal, RandomGenerator random, int luck) {
    if (luck < 26) {
      proposal.committed = true; // it stays: it is committed again later, or lost
    } else {
      proposals.remove(proposal);
    }
    List<Proposal> together = new ArrayList<>(List.of(proposal));
    LogPosition position = shared.commit(proposal.log, merged(proposal, random, together));
    for (Proposal one : together) {
      coverage.count(Event.COMMITTED_TWICE, one.committed && !proposals.contains(one) ? 1 : 0);
      coverage.count(Event.COMMITTED_AFTER_TIME_OUT, one.timedOut ? 1 : 0);
      answer(one, position, random);
    }
  }

  private void answer(Proposal proposal, LogPosition position, RandomGenerator random) {
    int luck = random.nextInt(100);
    if (luck < 15) {
      coverage.count(Event.REPLIES_LOST);
      proposal.fail(Outcome.UNKNOWN);
    } else if (luck < 30) {
      coverage.count(Event.REPLIES_LATE);
      lateAnswers.add(() -> proposal.succeed(position));
    } else {
      proposal.succeed(position);
    }
  }

  /** Sometimes the leader packs what waits for the order log into one entry. */
  private ByteString merged(Proposal first, RandomGenerator random, List<Proposal> together) {
    OrderLogEntry entry = order(first);
    if (entry == null || random.nextInt(3) != 0) {
      return first.entry;
    }
    OrderLogEntry.Builder merged = entry.toBuilder();
    for (Proposal other : List.copyOf(proposals)) {
      OrderLogEntry more = other == first || cutOff(other) ? null : order(other);
      if (more != null && random.nextInt(3) != 0) {
        merged.addAllItems(more.getItemsList());
        proposals.remove(other);
        together.add(other);
      }
    }
    if (together.size() > 1) {
      coverage.count(Event.MERGED_ENTRIES);
    }
    return merged.build().toByteString();
  }

  private boolean cutOff(Proposal proposal) {
    return proposal.from != null && cutOff.test(proposal.from.node());
  }

  /** An entry of the order log that others may share; a fence stays alone. */
  private static @Nullable OrderLogEntry order(Proposal proposal) {
    if (proposal.log != LogId.ORDER.number()) {
      return null;
    }
    try {
      OrderLogEntry entry = OrderLogEntry.parseFrom(proposal.entry);
      boolean fence =
          entry.getItemsList().stream().anyMatch(OrderItem::hasRecord)
              && entry.getItemsList().stream().anyMatch(item -> item.getRecord().hasFence());
      return fence ? null : entry;
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a proposal for the order log is no entry of it", e);
    }
  }

  /** All that waits is committed and answered, in the order in which it was proposed. */
  void settle() {
    List<Runnable> late = List.copyOf(lateAnswers);
    lateAnswers.clear();
    late.forEach(Runnable::run);
    List<Proposal> waiting = List.copyOf(proposals);
    proposals.clear();
    for (Proposal proposal : waiting) {
      proposal.succeed(shared.commit(proposal.log, proposal.entry));
    }
  }

  /** A proposal on its way. */
  private static final class Proposal {
    private final @Nullable SimulatedLogs from;
    private final int log;
    private final ByteString entry;
    private final CompletableFuture<LogPosition> answer;
    private boolean committed;
    private boolean timedOut;

    private Proposal(
        @Nullable SimulatedLogs from,
        int log,
        ByteString entry,
        CompletableFuture<LogPosition> answer) {
      this.from = from;
      this.log = log;
      this.entry = entry;
      this.answer = answer;
    }

    private void succeed(LogPosition position) {
      if (listens()) {
        answer.complete(position);
      }
    }

    private void fail(Outcome outcome) {
      if (listens()) {
        answer.completeExceptionally(new ProposalException(outcome, "simulated"));
      }
    }

    private boolean listens() {
      return from == null || from.alive();
    }
  }
}
