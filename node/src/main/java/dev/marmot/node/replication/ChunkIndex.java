package dev.marmot.node.replication;

import com.google.protobuf.ByteString;
import dev.marmot.node.replication.ProtocolRules.Rule;
import dev.marmot.proto.v1.Chunk;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.sqlite.ReplicaState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where in this node's raft logs the chunks of undecided change sets lie. The logs themselves are
 * the staging area: bytes are stored once, and read again when they are applied. Thread-safe.
 */
public final class ChunkIndex {
  private final Supplier<ReplicaState> state;
  private final ProtocolRules rules;
  private final Map<ChangeSetId, @Nullable Place[]> places = new ConcurrentHashMap<>();
  private final OpenEntries open = new OpenEntries();
  private final Unreadable unreadable = new Unreadable();
  private final Set<Hold> holds = ConcurrentHashMap.newKeySet();

  /**
   * @param state the committed bookkeeping: chunks of settled change sets are dropped on sight
   */
  public ChunkIndex(Supplier<ReplicaState> state, ProtocolRules rules) {
    this.state = state;
    this.rules = rules;
  }

  /** Notes the chunks of a committed entry of a data shard. Called in index order per shard. */
  public void committed(LogId log, LogPosition position, ByteString entry) {
    Optional<List<Chunk>> readable = Formats.chunks(log, position.index(), entry);
    if (readable.isEmpty()) {
      if (!rules.keep(Rule.PASS_OVER_UNREADABLE)) {
        throw new ProtocolViolation("cannot read entry " + position.index() + " of " + log);
      }
      unreadable.met(log, position.index());
    }
    List<Chunk> chunks = readable.orElse(List.of());
    open.noted(log, position.index(), chunks.stream().map(c -> ChangeSetId.of(c.getId())).toList());
    for (Chunk chunk : chunks) {
      ChangeSetId id = ChangeSetId.of(chunk.getId());
      if (!held() && OrderState.settled(state.get(), id)) {
        continue;
      }
      Place place = new Place(log, position.index());
      places.compute(id, (unused, known) -> with(known, chunk, place));
      // The applier may have settled it between the look and the note. Whoever makes a snapshot
      // stands before that, and still needs it; what is held is dropped when nobody holds it.
      if (!held() && OrderState.settled(state.get(), id)) {
        places.remove(id);
      }
    }
  }

  private static @Nullable Place[] with(@Nullable Place @Nullable [] known, Chunk chunk, Place at) {
    @Nullable Place[] next =
        known == null ? new @Nullable Place[chunk.getCount()] : Arrays.copyOf(known, known.length);
    if (chunk.getIndex() < next.length && next[chunk.getIndex()] == null) {
      next[chunk.getIndex()] = at;
    }
    return next;
  }

  /** What was passed over in all logs. */
  Unreadable unreadable() {
    return unreadable;
  }

  /** Whether a chunk is committed in this node's copy. */
  boolean has(ChangeSetId id, int chunk) {
    @Nullable Place[] known = places.get(id);
    return known != null && chunk < known.length && known[chunk] != null;
  }

  /**
   * The chunks of a change set in order, for the caller to keep or change, read from the raft logs;
   * empty while one is missing, or cannot be read at the moment.
   */
  Optional<List<Chunk>> read(OrderedLogs logs, ChangeSetId id, int count) {
    @Nullable Place[] known = places.get(id);
    if (known == null || known.length != count) {
      return Optional.empty();
    }
    List<Chunk> found = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      Place place = known[i];
      if (place == null && rules.keep(Rule.ALL_CHUNKS)) {
        return Optional.empty();
      }
      if (place == null) {
        continue;
      }
      Optional<Chunk> chunk = chunkAt(logs, place, id, i);
      if (chunk.isEmpty()) {
        return Optional.empty();
      }
      found.add(chunk.get());
    }
    return Optional.of(found);
  }

  /** Empty when the entry cannot be had at the moment. */
  private static Optional<Chunk> chunkAt(OrderedLogs logs, Place place, ChangeSetId id, int index) {
    OrderedLogs.Read read = logs.read(place.log(), place.index());
    boolean purged = place.index() < logs.floor(place.log()).index();
    if (read instanceof OrderedLogs.Unavailable && !purged) {
      return Optional.empty(); // the copy is being opened again
    }
    if (read instanceof OrderedLogs.Entry entry) {
      for (Chunk chunk :
          Formats.chunks(place.log(), place.index(), entry.bytes()).orElse(List.of())) {
        if (chunk.getIndex() == index && ChangeSetId.of(chunk.getId()).equals(id)) {
          return Optional.of(chunk);
        }
      }
    }
    throw new ProtocolViolation(
        "cannot read chunk %d of change set %s: entry %d of the raft log of %s %s"
            .formatted(
                index,
                id,
                place.index(),
                place.log(),
                read instanceof OrderedLogs.Unavailable ? "is gone" : "does not hold it"));
  }

  /** Forgets the chunks of settled change sets, unless somebody still needs them. */
  void dropSettled() {
    if (!held()) {
      ReplicaState now = state.get();
      places.keySet().removeIf(id -> OrderState.settled(now, id));
    }
  }

  /** For each shard, the lowest index that is needed by a state from this one on. */
  Map<LogId, Long> floors(ReplicaState durable) {
    return open.floors(
        id -> OrderState.settled(durable, id) || !rules.keep(Rule.PURGE_SETTLED_ONLY));
  }

  /** Chunks in this node's copies that are not settled, of each origin that has any. */
  public Map<Integer, Integer> openChunks() {
    ReplicaState now = state.get();
    return open.openChunks(id -> OrderState.settled(now, id));
  }

  /** A copy goes on at this index; what was below is gone. */
  public void skipped(LogId log, long index) {
    if (!log.isOrderLog()) {
      open.skipped(log, index);
    }
    breakHolds();
  }

  /** This node's own state has jumped, or its logs have: nobody completes a copy any more. */
  void breakHolds() {
    holds.forEach(hold -> hold.broken = true);
  }

  /** Keeps from now on whatever is not settled now, until closed. */
  Hold hold() {
    Hold hold = new Hold();
    holds.add(hold);
    return hold;
  }

  /** Whether somebody holds what is settled. */
  boolean held() {
    return !holds.isEmpty();
  }

  /** Number of change sets with chunks here that are not decided yet. */
  public int open() {
    return places.size();
  }

  /** Somebody who still needs what this node itself has applied. Thread-safe. */
  final class Hold implements AutoCloseable {
    private volatile boolean broken;

    /** Whether something that was to be kept may be gone. */
    boolean broken() {
      return broken;
    }

    @Override
    public void close() {
      holds.remove(this);
      dropSettled();
    }
  }

  private record Place(LogId log, long index) {}
}
