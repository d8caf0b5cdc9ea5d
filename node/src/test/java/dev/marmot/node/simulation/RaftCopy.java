package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import dev.marmot.node.simulation.Coverage.Event;
import dev.marmot.node.simulation.RaftMessage.Append;
import dev.marmot.node.simulation.RaftMessage.Appended;
import dev.marmot.node.simulation.RaftMessage.Entry;
import dev.marmot.node.simulation.RaftMessage.Purged;
import dev.marmot.node.simulation.RaftMessage.Vote;
import dev.marmot.node.simulation.RaftMessage.VoteRequest;
import dev.marmot.raft.Floor;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One member of one raft group: its log on disk, its term and vote, and what it is in memory (Raft
 * figure 2). Entries are written first and synced later; only what is synced is acknowledged.
 * Confined to the simulation's thread.
 */
final class RaftCopy {
  /** What a member is at the moment. */
  enum Role {
    FOLLOWER,
    CANDIDATE,
    LEADER
  }

  private static final int MOST_ENTRIES = 4;

  private final int node;
  private final RaftGroup group;

  // On disk: term and vote are durable at once, entries up to the last synced one.
  private long term;
  private int votedFor;
  private final List<Entry> entries = new ArrayList<>();
  private long first;
  private long termBeforeFirst;
  private Floor floor = Floor.NONE;
  private long synced = -1;

  /** Up to where a copy that was lost must be whole again before it counts for anything. */
  private long refetchUntil = -1;

  // In memory.
  private boolean up;
  private Role role = Role.FOLLOWER;
  private int leader;
  private long commit = -1;
  private final BitSet votes = new BitSet();
  private final long[] next;
  private final long[] match;
  private @Nullable Purged met;

  RaftCopy(int node, int nodes, RaftGroup group) {
    this.node = node;
    this.group = group;
    this.next = new long[nodes + 1];
    this.match = new long[nodes + 1];
  }

  // ---- life of the process and of the disk

  /** The process is up; what it knew to be committed is on disk up to some point. */
  void start(RandomGenerator random) {
    up = true;
    long known = Math.min(commit, synced);
    commit = known < first ? first - 1 : random.nextLong(first - 1, known + 1);
  }

  void stop() {
    up = false;
    become(Role.FOLLOWER);
    leader = 0;
    met = null;
  }

  /** What was not synced is gone, or a part of it; whether anything is. */
  boolean losePower(RandomGenerator random) {
    long before = last();
    if (before > synced) {
      truncate(synced + 1 + random.nextLong(last() - synced + 1));
      synced = last();
    }
    if (synced < first - 1) {
      synced = first - 1; // what was purged is in the file, and synced there
    }
    commit = Math.min(commit, synced);
    return last() < before;
  }

  /**
   * The copy is lost. What comes in its place takes no part before it has everything again, and
   * never votes in a term of its former self's: it is a new member.
   */
  void lose(long until, long newestTerm) {
    entries.clear();
    first = 0;
    termBeforeFirst = 0;
    floor = Floor.NONE;
    synced = -1;
    commit = -1;
    term = newestTerm;
    votedFor = node;
    refetchUntil = until;
    if (group.sabotaged(Sabotage.VOTES_WITH_AMNESIA)) {
      term = 0;
      votedFor = 0;
      refetchUntil = -1;
    }
  }

  /** Everything below is purged. */
  void purge(Floor below) {
    if (below.index() > first) {
      termBeforeFirst = termAt(below.index() - 1);
      entries.subList(0, (int) Math.min(below.index() - first, entries.size())).clear();
      first = below.index();
      synced = Math.max(synced, first - 1);
    }
    floor = below;
  }

  /** The copy goes on behind a hole; what it has beyond the hole stays (Raft §7). */
  void skip(Floor to, long floorTerm) {
    if (termAt(to.index() - 1) == floorTerm) {
      purge(to);
    } else {
      entries.clear();
      first = to.index();
      termBeforeFirst = floorTerm;
      synced = first - 1;
    }
    floor = to;
    commit = Math.max(commit, first - 1);
    met = null;
    acknowledge(commit);
  }

  // ---- what others see

  int node() {
    return node;
  }

  boolean isUp() {
    return up;
  }

  boolean isLeader() {
    return up && role == Role.LEADER;
  }

  long term() {
    return term;
  }

  /** Last index that this copy knows to be committed. */
  long commit() {
    return commit;
  }

  long last() {
    return first + entries.size() - 1;
  }

  long newestEntryTerm() {
    return termAt(last());
  }

  /** Whether it has all that it ever had. */
  boolean isWhole() {
    if (Math.min(commit, synced) >= refetchUntil) {
      refetchUntil = -1; // on disk, whatever it remembers of the commit index later
    }
    return refetchUntil < 0;
  }

  Entry entry(long index) {
    return entries.get((int) (index - first));
  }

  /** The floor of a leader that this copy ends before; empty when it lacks nothing. */
  Optional<Purged> met() {
    return Optional.ofNullable(met);
  }

  private long termAt(long index) {
    if (index < first) {
      return index == first - 1 ? termBeforeFirst : -1;
    }
    return index > last() ? -1 : entry(index).term();
  }

  // ---- elections

  /** Its election time-out is over (Raft §5.2). */
  void standForElection() {
    become(Role.CANDIDATE);
    term++;
    votedFor = node;
    leader = 0;
    votes.clear();
    votes.set(node);
    group.broadcast(node, new VoteRequest(term, last(), newestEntryTerm()));
    count();
  }

  void stepDown() {
    if (role == Role.LEADER) {
      become(Role.FOLLOWER);
      leader = 0;
    }
  }

  private void become(Role next) {
    if (role == Role.LEADER && next != Role.LEADER) {
      group.lostLead(node);
    }
    role = next;
  }

  private void count() {
    if (votes.cardinality() >= group.majority()) {
      become(Role.LEADER);
      Trace.print("  log %d: elected by %s: %s", group.log(), votes, this);
      group.happened(Event.ELECTIONS);
      leader = node;
      for (int other = 1; other < next.length; other++) {
        next[other] = last() + 1;
        match[other] = -1;
      }
      append(null);
    }
  }

  // ---- leading

  /** A leader takes an entry; its position. */
  long append(@Nullable ByteString bytes) {
    entries.add(new Entry(term, bytes));
    group.broadcastFrom(this);
    return last();
  }

  /** Sends a follower what it lacks, or a heartbeat. */
  void send(int to) {
    if (next[to] < first) {
      group.send(node, to, false, new Purged(term, floor, termBeforeFirst));
      return;
    }
    long from = next[to];
    int size = (int) Math.min(MOST_ENTRIES, last() - from + 1);
    List<Entry> some =
        List.copyOf(entries.subList((int) (from - first), (int) (from - first) + size));
    boolean sent =
        group.send(
            node, to, some.isEmpty(), new Append(term, from - 1, termAt(from - 1), some, commit));
    if (sent) {
      next[to] = from + size;
    }
  }

  /** A message without entries, which may overtake those that are under way. */
  void heartbeat(int to) {
    if (next[to] >= first) {
      long previous = next[to] - 1;
      Append empty = new Append(term, previous, termAt(previous), List.of(), commit);
      group.send(node, to, true, empty);
    }
  }

  /** The connection to a follower broke: what was not acknowledged is sent again. */
  void reconnect(int to) {
    if (role == Role.LEADER) {
      next[to] = match[to] + 1;
    }
  }

  /** A member has lost its copy, and begins anew. */
  void forget(int other) {
    next[other] = 0;
    match[other] = -1;
  }

  private void advance() {
    for (long index = last(); index > commit && termAt(index) == term; index--) {
      if (holders(index) >= group.majority()) {
        commitUpTo(index);
        return;
      }
    }
  }

  private int holders(long index) {
    int holders = 0;
    for (int member = 1; member < match.length; member++) {
      long has = member == node ? synced : match[member];
      holders += has >= index && group.copy(member).isWhole() ? 1 : 0;
    }
    return holders;
  }

  // ---- following

  /** What is written becomes durable, and is acknowledged. */
  void sync() {
    if (synced < last()) {
      synced = last();
      if (role == Role.LEADER) {
        advance();
      } else {
        acknowledge(synced);
      }
    }
  }

  private void acknowledge(long index) {
    if (leader != 0 && leader != node) {
      group.send(node, leader, false, new Appended(term, true, index));
    }
  }

  void receive(int from, RaftMessage message) {
    if (message.term() > term) {
      term = message.term();
      votedFor = 0;
      become(Role.FOLLOWER);
      leader = 0;
    }
    if (message instanceof VoteRequest request) {
      vote(from, request);
    } else if (message instanceof Vote vote) {
      if (role == Role.CANDIDATE && vote.term() == term && vote.granted()) {
        votes.set(from);
        count();
      }
    } else if (message instanceof Append append) {
      follow(from, append);
    } else if (message instanceof Appended appended) {
      acknowledged(from, appended);
    } else if (message instanceof Purged purged) {
      meet(from, purged);
    }
  }

  private void vote(int from, VoteRequest request) {
    long lastTerm = newestEntryTerm();
    boolean upToDate =
        request.lastTerm() > lastTerm
            || (request.lastTerm() == lastTerm && request.lastIndex() >= last());
    boolean granted =
        request.term() == term
            && (votedFor == 0 || votedFor == from)
            && role == Role.FOLLOWER
            && upToDate
            && isWhole();
    if (granted) {
      votedFor = from;
    }
    group.send(node, from, false, new Vote(term, granted));
  }

  private void follow(int from, Append append) {
    if (append.term() < term) {
      group.send(node, from, false, new Appended(term, false, last() + 1));
      return;
    }
    become(Role.FOLLOWER);
    leader = from;
    votedFor = from;
    long previous = append.previous();
    boolean matches = previous < first || termAt(previous) == append.previousTerm();
    if (!matches) {
      commitWithoutPrevious(append);
      long again = previous > last() ? last() + 1 : commit + 1;
      group.send(node, from, false, new Appended(term, false, again));
      return;
    }
    write(previous + 1, append.entries());
    long matched = Math.max(previous + append.entries().size(), first - 1);
    commitUpTo(Math.min(append.commit(), matched));
    commitWithoutPrevious(append);
    if (group.sabotaged(Sabotage.ACKNOWLEDGED_BEFORE_SYNC)) {
      group.send(node, from, false, new Appended(term, true, matched));
    } else {
      group.send(node, from, false, new Appended(term, true, Math.min(matched, synced)));
    }
  }

  /**
   * A fault of Ratis 3.3.0 ({@code ServerImplUtils.effectiveCommitIndex}): a message without a
   * previous entry counts as if entry 0 were known to be the leader's.
   */
  private void commitWithoutPrevious(Append append) {
    if (append.previous() < 0 && group.sabotaged(Sabotage.COMMITS_WITHOUT_PREVIOUS)) {
      commitUpTo(Math.min(append.commit(), Math.min(append.entries().size(), last())));
    }
  }

  private void write(long from, List<Entry> sent) {
    long index = from;
    for (Entry entry : sent) {
      if (index > last()) {
        entries.add(entry);
      } else if (index >= first && termAt(index) != entry.term()) {
        Violation.check(
            index > commit,
            "n%d must give up entry %d of log %d, which it took for committed (%d)",
            node,
            index,
            group.log(),
            commit);
        truncate(index);
        group.happened(Event.TRUNCATED_ENTRIES);
        entries.add(entry);
      }
      index++;
    }
  }

  private void truncate(long from) {
    entries.subList((int) Math.max(0, from - first), entries.size()).clear();
    synced = Math.min(synced, last());
  }

  private void meet(int from, Purged purged) {
    if (purged.term() < term) {
      group.send(node, from, false, new Appended(term, false, last() + 1));
      return;
    }
    leader = from;
    if (commit >= purged.floor().index() - 1) {
      sync();
      acknowledge(commit);
    } else {
      met = purged;
    }
  }

  private void acknowledged(int from, Appended appended) {
    if (role != Role.LEADER || appended.term() != term) {
      return;
    }
    if (appended.matches()) {
      match[from] = Math.max(match[from], appended.index());
      next[from] = Math.max(next[from], match[from] + 1);
      advance();
    } else {
      next[from] = Math.max(match[from] + 1, Math.min(next[from], appended.index()));
      send(from);
    }
  }

  private void commitUpTo(long index) {
    long known = Math.min(index, last());
    while (commit < known) {
      commit++;
      group.committed(this, commit);
    }
    Purged hole = met;
    if (hole != null && commit >= hole.floor().index() - 1) {
      met = null;
    }
  }

  @Override
  public String toString() {
    return "n%d %s term %d %d..%d synced %d commit %d"
        .formatted(node, up ? role : "down", term, first, last(), synced, commit);
  }
}
