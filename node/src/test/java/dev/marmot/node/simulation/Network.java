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
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What is between a node that proposes and the leader that commits: proposals and answers are lost,
 * delayed, repeated and reordered. Confined to the simulation's thread.
 */
final class Network implements RaftGroups.Proposers {
  /** Sees each proposal when it is made. */
  @FunctionalInterface
  interface Observer {
    void proposed(int node, int log, ByteString entry);
  }

  /** What happens in the groups for each thing that happens to a proposal. */
  private static final int GROUP_STEPS = 4;

  private final RaftGroups groups;
  private final Observer observer;
  private final IntPredicate cutOff;
  private final Coverage coverage;
  private final List<Proposal> proposals = new ArrayList<>();
  private final List<Runnable> lateAnswers = new ArrayList<>();
  private final List<Waiting> appended = new ArrayList<>();
  private Optional<RandomGenerator> luck = Optional.empty();

  /**
   * @param cutOff whether a node reaches no other
   */
  Network(RaftGroups groups, Observer observer, IntPredicate cutOff, Coverage coverage) {
    this.groups = groups;
    groups.tell(this);
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
    return proposals.isEmpty() && lateAnswers.isEmpty() && appended.isEmpty();
  }

  /** Something happens in the raft groups, and to one proposal or one late answer. */
  void step(RandomGenerator random) {
    luck = Optional.of(random);
    for (int i = 0; i < GROUP_STEPS; i++) {
      groups.step(random);
    }
    propose(random);
    luck = Optional.empty();
  }

  private void propose(RandomGenerator random) {
    if (!lateAnswers.isEmpty() && random.nextInt(4) == 0) {
      lateAnswers.remove(random.nextInt(lateAnswers.size())).run();
    }
    if (proposals.isEmpty()) {
      return;
    }
    Proposal proposal = proposals.get(random.nextInt(proposals.size()));
    int fate = random.nextInt(100);
    if (fate < 6) {
      drop(proposal, Outcome.UNKNOWN, Event.PROPOSALS_LOST);
    } else if (fate < 10) {
      drop(proposal, Outcome.NOT_PROPOSED, Event.PROPOSALS_REFUSED);
    } else if (fate < 16) {
      proposal.timedOut = true; // and may be committed later all the same
      proposal.fail(Outcome.UNKNOWN);
    } else {
      leader(proposal).ifPresent(leader -> append(proposal, leader, random, fate));
    }
  }

  private Optional<RaftCopy> leader(Proposal proposal) {
    RaftGroup group = groups.log(proposal.log);
    if (proposal.from == null) {
      return group.leader();
    }
    return cutOff(proposal) ? Optional.empty() : group.leaderFor(proposal.from.node());
  }

  private void drop(Proposal proposal, Outcome outcome, Event event) {
    proposals.remove(proposal);
    boolean mayBeCommitted = proposal.committed || proposal.timedOut;
    proposal.fail(mayBeCommitted ? Outcome.UNKNOWN : outcome);
    coverage.count(event);
  }

  private void append(Proposal proposal, RaftCopy leader, RandomGenerator random, int fate) {
    if (fate < 26) {
      proposal.committed = true; // it stays: it is committed again later, or lost
    } else {
      proposals.remove(proposal);
    }
    List<Proposal> together = new ArrayList<>(List.of(proposal));
    ByteString entry = merged(proposal, random, together);
    appended.add(
        new Waiting(proposal.log, leader.append(entry), leader.term(), leader.node(), together));
  }

  @Override
  public void committed(int log, long term, long index) {
    List<Waiting> done =
        appended.stream().filter(waiting -> waiting.log == log && waiting.index <= index).toList();
    appended.removeAll(done);
    for (Waiting waiting : done) {
      for (Proposal one : waiting.proposals) {
        if (waiting.index == index && waiting.term == term) {
          coverage.count(Event.COMMITTED_TWICE, one.committed && !proposals.contains(one) ? 1 : 0);
          coverage.count(Event.COMMITTED_AFTER_TIME_OUT, one.timedOut ? 1 : 0);
          answer(one, new LogPosition(term, index));
        } else {
          one.fail(Outcome.UNKNOWN); // another entry is there
        }
      }
    }
  }

  /** What a leader had taken may be committed by the next one, or not. */
  @Override
  public void lostLead(int log, int node) {
    for (Waiting waiting : appended) {
      if (waiting.log == log && waiting.leader == node) {
        waiting.proposals.forEach(
            one -> {
              one.timedOut = true;
              one.fail(Outcome.UNKNOWN);
            });
      }
    }
  }

  private void answer(Proposal proposal, LogPosition position) {
    luck.ifPresentOrElse(
        random -> answer(proposal, position, random), () -> proposal.succeed(position));
  }

  private void answer(Proposal proposal, LogPosition position, RandomGenerator random) {
    int fate = random.nextInt(100);
    if (fate < 15) {
      coverage.count(Event.REPLIES_LOST);
      proposal.fail(Outcome.UNKNOWN);
    } else if (fate < 30) {
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
  void settle(IntFunction<IntPredicate> mayLead) {
    List<Runnable> late = List.copyOf(lateAnswers);
    lateAnswers.clear();
    late.forEach(Runnable::run);
    List<Proposal> waiting = List.copyOf(proposals);
    groups.settle(mayLead);
    for (Proposal proposal : waiting) {
      Optional<RaftCopy> leader = leader(proposal);
      if (leader.isPresent()) {
        proposals.remove(proposal);
        RaftCopy copy = leader.get();
        appended.add(
            new Waiting(
                proposal.log,
                copy.append(proposal.entry),
                copy.term(),
                copy.node(),
                List.of(proposal)));
      }
    }
    groups.settle(mayLead);
    // Nobody leads who took them, and nobody committed them: they are gone.
    appended.forEach(lost -> lost.proposals.forEach(one -> one.fail(Outcome.UNKNOWN)));
    appended.clear();
  }

  /** Proposals that a leader has put into one entry. */
  private record Waiting(int log, long index, long term, int leader, List<Proposal> proposals) {}

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
