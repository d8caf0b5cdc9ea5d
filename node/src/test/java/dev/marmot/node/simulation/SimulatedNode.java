package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import dev.marmot.node.replication.Applier;
import dev.marmot.node.replication.ChunkIndex;
import dev.marmot.node.replication.EpochCounter;
import dev.marmot.node.replication.Origin;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.raft.LogPosition;
import dev.marmot.raft.OrderedLogs;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaStore;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * A server: its disk, its application, and, while it is up, a process that runs the production
 * origin and applier. Confined to the simulation's thread.
 */
final class SimulatedNode {
  /** What lives and dies with the process. */
  record Life(
      SimulatedLogs logs,
      MemoryReplicaStore store,
      Optional<TwinStore> twin,
      ChunkIndex chunks,
      Applier applier,
      Origin origin) {}

  /** What a node cannot reach of the raft logs. */
  static final int NOTHING = -1;

  static final int EVERYTHING = -2;

  final int id;
  final MemoryDisk disk;
  final Application application;
  final Hazard hazard = new Hazard();

  /** For each log, the last index that its copy holds on disk. */
  final long[] copied;

  /** The log whose copy stalls, or {@link #NOTHING}, or {@link #EVERYTHING} when it is cut off. */
  int unreachable = NOTHING;

  /** The threads of the process. */
  enum Part {
    LOGS,
    ORIGIN,
    APPLIER
  }

  /** Threads that are in the middle of something. */
  final Set<Part> busy = EnumSet.noneOf(Part.class);

  boolean dead;
  private final World world;
  private final Optional<SqliteTwin> twin;
  private long epochCounter;
  private @Nullable Life life;

  SimulatedNode(int id, World world) {
    this.id = id;
    this.world = world;
    this.disk = new MemoryDisk(world.nextFile());
    this.application = new Application(id, world.ledger(), world.coverage(), this::repeatInTwin);
    this.twin = world.twins().map(directory -> new SqliteTwin(directory, id));
    twin.ifPresent(SqliteTwin::replace);
    this.copied = new long[world.logs().logs()];
  }

  boolean isUp() {
    return life != null;
  }

  Life life() {
    Life current = life;
    if (current == null) {
      throw new IllegalStateException("node " + id + " is down");
    }
    return current;
  }

  /** Starts the process; its copies of the logs are handed over from their beginning. */
  void start() {
    MemoryReplicaStore memory =
        new MemoryReplicaStore(disk, observer(), hazard, world.setup().sabotage());
    Optional<TwinStore> both = twin.map(one -> new TwinStore(memory, disk, one));
    ReplicaStore store = both.isPresent() ? both.get() : memory;
    ChunkIndex chunks = new ChunkIndex(store::state, world.setup().rules());
    SimulatedLogs logs =
        new SimulatedLogs(
            id, world.logs(), world.network(), hazard, rewriter(), new Handover(chunks));
    Applier applier =
        new Applier(
            id,
            logs,
            store,
            chunks,
            world.setup().maxRows(),
            world.setup().rules(),
            (fence, position) -> {});
    Origin origin =
        new Origin(
            id,
            logs,
            store,
            chunks,
            new Counter(),
            world.setup().origin(),
            world.setup().rules(),
            () -> {});
    life = new Life(logs, memory, both, chunks, applier, origin);
    origin.open();
  }

  /** What the process does with the entries of its copies. */
  private record Handover(ChunkIndex chunks) implements OrderedLogs.Listener {
    @Override
    public void committed(LogId log, LogPosition position, ByteString entry) {
      if (!log.isOrderLog()) {
        chunks.committed(log, position, entry);
      }
    }

    @Override
    public CompletionStage<Void> behind(LogId log, Floor floor) {
      throw new IllegalStateException(log + " is behind " + floor);
    }

    @Override
    public void skipped(LogId log, Floor floor) {
      throw new IllegalStateException(log + " skipped to " + floor);
    }
  }

  private BiFunction<LogId, ByteString, ByteString> rewriter() {
    Resender resender = new Resender(disk);
    return world.setup().sabotage().contains(Sabotage.NEW_BYTES_AT_RETRY)
        ? resender::rewrite
        : (log, entry) -> entry;
  }

  private MemoryReplicaStore.Observer observer() {
    return new MemoryReplicaStore.Observer() {
      @Override
      public void captured(CapturedChanges changes, MemoryFile file) {
        world.captures().captured(id, changes, file);
      }

      @Override
      public void applied(MemoryFile before, MemoryFile after) {
        world.checker().applied(id, before, after);
        if (life != null) {
          life.twin().ifPresent(TwinStore::applied);
        }
      }
    };
  }

  /** The process dies, with all that it had in memory. */
  void stop() {
    Life ended = life;
    if (ended != null) {
      ended.logs().die();
      world.captures().processDied(id);
      hazard.disarm();
      ended.twin().ifPresent(TwinStore::close);
      life = null;
    }
  }

  /** The file is lost; a new one takes its place. */
  void replaceFile() {
    disk.replace(world.nextFile());
    twin.ifPresent(SqliteTwin::replace);
  }

  void close() {
    stop();
    twin.ifPresent(SqliteTwin::close);
  }

  /** The real file runs the same statements; its change log must name the same keys. */
  private void repeatInTwin(MemoryFile next, Statements statements) {
    if (twin.isEmpty()) {
      return;
    }
    long before = disk.current().newestSeq;
    twin.get().transact(statements.sql());
    List<MemoryFile.Change> changes = twin.get().changesAfter(before);
    TwinStore.same(
        "changed keys",
        keys(next.changeLog.stream().filter(change -> change.seq() > before).toList()),
        keys(changes));
    next.relog(before, changes);
    statements.writes().forEach(write -> write.seq = next.newestSeq);
  }

  private static List<String> keys(List<MemoryFile.Change> changes) {
    return changes.stream()
        .map(change -> SampleTable.show(change.key()))
        .distinct()
        .sorted()
        .toList();
  }

  /** Advances the copy of a log. */
  void deliver(int log, long upTo) {
    life().logs().deliver(log, upTo);
    copied[log] = Math.max(copied[log], upTo);
  }

  /** Whether everything that this node has to do is done. */
  boolean isQuiet() {
    ReplicaState state = disk.current().state();
    Origin.Progress progress = life().origin().progress();
    return state.position() == lastEntry()
        && progress.ready()
        && progress.inFlight() == 0
        && life().store().pendingChanges() == 0
        && disk.current().parked.isEmpty()
        && disk.current().skipped.isEmpty()
        && life().chunks().open() == 0;
  }

  /** Index of the last entry of the order log that is not Raft's own: the position to reach. */
  private long lastEntry() {
    long at = world.logs().end(0);
    while (at >= 0 && world.logs().entry(0, at).bytes() == null) {
      at--;
    }
    return at;
  }

  String describe() {
    MemoryFile file = disk.current();
    return "n%d: position %d of %d, pending %d, parked %s, skipped %s, open %d, %s"
        .formatted(
            id,
            file.position,
            world.logs().end(0),
            file.pending().size(),
            file.parked.keySet().stream().map(SampleTable::show).toList(),
            file.skipped.stream().map(SampleTable::show).toList(),
            life().chunks().open(),
            life().origin().progress());
  }

  /** The epoch counter on this node's disk: a store is durable at once. */
  private final class Counter implements EpochCounter {
    @Override
    public long load() {
      return epochCounter;
    }

    @Override
    public void store(long epoch) {
      hazard.pass();
      epochCounter = epoch;
      hazard.pass();
    }
  }
}
