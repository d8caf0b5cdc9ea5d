package dev.marmot.node.simulation;

import com.google.protobuf.ByteString;
import dev.marmot.node.replication.Applier;
import dev.marmot.node.replication.ChunkIndex;
import dev.marmot.node.replication.Donation;
import dev.marmot.node.replication.EpochHistory;
import dev.marmot.node.replication.Floors;
import dev.marmot.node.replication.OlderCopyCheck;
import dev.marmot.node.replication.Origin;
import dev.marmot.node.replication.ProtocolRules;
import dev.marmot.node.replication.ProtocolRules.Rule;
import dev.marmot.node.replication.Skips;
import dev.marmot.node.replication.Upkeep;
import dev.marmot.node.replication.WatchedLogs;
import dev.marmot.node.simulation.Coverage.Event;
import dev.marmot.node.simulation.RaftMessage.Purged;
import dev.marmot.raft.Floor;
import dev.marmot.raft.LogId;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.ReplicaState;
import dev.marmot.sqlite.ReplicaStore;
import dev.marmot.sqlite.Snapshot;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
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
      Origin origin,
      Skips skips,
      Upkeep upkeep,
      OlderCopyCheck olderCopy) {}

  /** What a node cannot reach of the raft logs. */
  static final int NOTHING = -1;

  static final int EVERYTHING = -2;

  final int id;
  final MemoryDisk disk;
  final Application application;
  final Hazard hazard = new Hazard();

  /** For each log, where its copy begins on disk. */
  final Floor[] floors;

  /** Floors of leaders that copies of this process met, with the permission to skip to them. */
  private final Map<Integer, Meeting> meetings = new HashMap<>();

  private record Meeting(Purged hole, CompletionStage<Floor> allowed) {}

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

  /** Its file was set back, or the whole server, and it may find out. */
  private boolean wasSetBack;

  /** It was set back, and has neither found out nor got over it. */
  private boolean inDoubt;

  private boolean fileSetBack;

  /** Its disk has lost something that is not made up for. */
  private boolean lostSomething;

  /** It has found out that its disk was set back: it starts as a new member, or not at all. */
  boolean mustJoinAgain;

  /** The disk as it was before starts of the node. */
  private final Images images = new Images();

  private final World world;
  private final Optional<SqliteTwin> twin;
  private final SimulatedEpochs epochs = new SimulatedEpochs(hazard);
  private @Nullable Life life;
  private @Nullable Donation donation;

  SimulatedNode(int id, World world) {
    this.id = id;
    this.world = world;
    this.disk = new MemoryDisk(world.nextFile());
    this.application = new Application(id, world.ledger(), world.coverage(), this::repeatInTwin);
    this.twin = world.twins().map(directory -> new SqliteTwin(directory, id));
    twin.ifPresent(SqliteTwin::replace);
    this.floors = new Floor[world.logs().logs()];
    Arrays.fill(floors, Floor.NONE);
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
  void start(RandomGenerator random) {
    images.take(disk, epochs.history());
    world.logs().started(id, random);
    MemoryReplicaStore memory =
        new MemoryReplicaStore(disk, observer(), hazard, world.setup().sabotage());
    Optional<TwinStore> both = twin.map(one -> new TwinStore(memory, disk, one));
    ReplicaStore store = both.isPresent() ? both.get() : memory;
    ChunkIndex chunks = new ChunkIndex(store::state, world.setup().rules());
    Skips skips = new Skips(store, world.setup().rules());
    SimulatedLogs logs =
        new SimulatedLogs(
            id,
            world.logs(),
            world.network(),
            hazard,
            rewriter(),
            new Handover(chunks, skips),
            new SimulatedLogs.Disk(floors, () -> disk.durable().position));
    OlderCopyCheck olderCopy =
        new OlderCopyCheck(
            id,
            store.state(),
            disk.current().newestSeq,
            Floors.proven(logs),
            epochs.load(),
            this::isForeign);
    Applier applier =
        new Applier(
            id,
            sabotaged(Sabotage.OLDER_COPIES_GO_ON) ? logs : new WatchedLogs(logs, olderCopy),
            store,
            chunks,
            world.setup().maxRows(),
            world.setup().rules(),
            new Applier.Observer() {});
    Origin origin =
        new Origin(
            id,
            logs,
            store,
            chunks,
            epochs,
            world.setup().origin(),
            world.setup().rules(),
            () -> {});
    Upkeep upkeep =
        new Upkeep(
            id,
            logs,
            store,
            chunks,
            skips,
            new Upkeep.Options(
                Duration.ofSeconds(4), () -> world.logs().log(0).leads(id), world.setup().rules()));
    life = new Life(logs, memory, both, chunks, applier, origin, skips, upkeep, olderCopy);
    origin.open();
  }

  private boolean isForeign(long epoch) {
    return epochs.isForeign(epoch)
        && !world.setup().rules().leftOut().contains(Rule.FOREIGN_EPOCH_STOPS);
  }

  private boolean sabotaged(Sabotage how) {
    return world.setup().sabotage().contains(how);
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
    world.logs().stopped(id);
    Life ended = life;
    if (ended != null) {
      ended.logs().die();
      world.captures().processDied(id);
      hazard.disarm();
      ended.twin().ifPresent(TwinStore::close);
      meetings.clear();
      donation = null;
      life = null;
    }
  }

  /** The file is lost; a new one takes its place. */
  void replaceFile() {
    Trace.print("  n%d loses its file", id);
    lostSomething = true;
    disk.replace(world.nextFile());
    twin.ifPresent(SqliteTwin::replace);
  }

  /** An older copy of the file takes its place; false when there is none. */
  boolean setFileBack(RandomGenerator random) {
    MemoryFile before = disk.current();
    if (!disk.setBack(random)) {
      return false;
    }
    Violation.check(before.file == disk.current().file, "n%d got a file of another life", id);
    wasSetBack = true;
    inDoubt = true;
    fileSetBack = true;
    world.ledger().setBack(id, disk.current());
    return true;
  }

  /**
   * File and epochs are set back to what they were before an earlier start, as by a snapshot of the
   * whole server. The copies of the logs are not: what they lack, they would fetch.
   */
  void setBack(RandomGenerator random) {
    Images.Image image = images.pick(random);
    world.ledger().setBack(id, image.file());
    disk.putBack(image.file());
    epochs.putBack(image.epochs());
    wasSetBack = true;
    inDoubt = true;
  }

  /** A copy of the same position shows by where its log ends, unless that is filled up again. */
  boolean mayWrite() {
    return !dead && !(fileSetBack && inDoubt());
  }

  private boolean inDoubt() {
    return inDoubt &= !isUp() || !life().origin().progress().ready();
  }

  /** The process has found out that it was set back, and ends. */
  void noticed(RuntimeException proof) {
    if (!wasSetBack) {
      throw proof; // it must not say so of a disk that is what it was
    }
    stop();
    mustJoinAgain = true;
  }

  /** It comes back with a new file and without its copies; of its epochs, others know some. */
  void joinAgain() {
    replaceFile();
    world.ledger().fileLost(id);
    loseCopies();
    epochs.putBack(EpochHistory.after(epochs.load()));
    images.clear();
    mustJoinAgain = false;
    wasSetBack = false;
    inDoubt = false;
    fileSetBack = false;
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

  /** Hands over what the copy of a log has committed, up to an index. */
  void deliver(int log, long upTo) {
    RaftCopy copy = world.logs().log(log).copy(id);
    life().logs().deliver(log, Math.min(upTo, copy.commit()));
    if (copy.met().isPresent()) {
      meet(copy, log, copy.met().get());
    } else {
      meetings.remove(log); // another leader still had what was missing
    }
  }

  /** The leader has purged what comes next: the copy skips it once the process allows that. */
  private void meet(RaftCopy copy, int log, Purged hole) {
    Floor floor = hole.floor();
    Meeting met = meetings.get(log);
    boolean stale = met != null && met.hole().floor().position() != floor.position();
    if (met == null || (stale && !met.allowed().toCompletableFuture().isDone())) {
      world.coverage().count(Event.FLOORS_MET);
      meetings.put(log, new Meeting(hole, life().logs().behind(log, floor)));
    } else if (met.allowed().toCompletableFuture().isDone()) {
      meetings.remove(log);
      world.coverage().count(Event.SKIPS);
      Floor from = met.allowed().toCompletableFuture().join();
      world.coverage().count(Event.SKIPS_BEFORE_STATE, from.ahead() ? 1 : 0);
      floors[log] = from;
      copy.skip(from, met.hole().floorTerm());
      life().logs().skip(log);
    }
  }

  /** The copies of the logs are lost; they are fetched again. */
  void loseCopies() {
    Trace.print("  n%d loses its copies", id);
    lostSomething = true;
    Arrays.fill(floors, Floor.NONE);
    world.logs().lost(id);
  }

  /** Up to where its own logs say that this node must stand. */
  private long ownFloor() {
    return Arrays.stream(floors).mapToLong(Floor::position).max().orElse(-1);
  }

  /** Whether the raft of this node would stand for election, and could win. */
  boolean mayLead(int log) {
    return isUp()
        && !dead
        && unreachable != EVERYTHING
        && world.logs().log(log).copy(id).isWhole()
        && (floors[log].ahead() || disk.durable().position >= floors[log].position());
  }

  /** Whether this node has, on disk, what its own logs do not have any more. */
  private boolean isNotBehind() {
    return disk.durable().position >= ownFloor();
  }

  /** Whether this node has on disk all that it ever had, or what took its place. */
  boolean isWhole() {
    if (inDoubt() || mustJoinAgain) {
      return false;
    }
    if (lostSomething) {
      boolean complete = isNotBehind();
      for (int log = 0; log < floors.length; log++) {
        complete &= world.logs().log(log).copy(id).isWhole();
      }
      lostSomething = !complete;
    }
    return !lostSomething;
  }

  /** The position that this node needs a snapshot for; -1 when it needs none. */
  long snapshotNeeded() {
    long needed = Math.max(Floors.needed(life().logs()), life().skips().needed());
    return needed > disk.current().position ? needed : -1;
  }

  /** Goes on with a snapshot for another node; empty until it is complete. */
  Optional<Snapshot> donate(int maxRows, ProtocolRules rules) {
    Donation current = donation;
    if (current == null) {
      world.coverage().count(Event.DONATIONS);
      Life now = life();
      current = Donation.open(now.logs(), now.store(), now.chunks(), maxRows, rules);
      donation = current;
    }
    try {
      if (!current.step()) {
        world.coverage().count(Event.DONATIONS_WITH_TAIL);
        return Optional.empty();
      }
    } catch (IllegalStateException e) {
      world.coverage().count(Event.DONATIONS_GIVEN_UP);
      giveUpDonation();
      return Optional.empty();
    }
    Snapshot snapshot = current.seal();
    giveUpDonation();
    world.checker().donated(id, MemorySnapshot.of(snapshot));
    return Optional.of(snapshot);
  }

  /** Whether a snapshot lacks writes of this node that are not ordered yet. */
  boolean isDonating() {
    return donation != null;
  }

  /** Nobody waits for the snapshot any more. */
  void giveUpDonation() {
    Donation current = donation;
    donation = null;
    if (current != null) {
      current.close();
    }
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
        && disk.current().hidden.isEmpty()
        && life().chunks().open() == 0
        && life().chunks().openChunks().isEmpty()
        && snapshotNeeded() < 0;
  }

  /** Index of the last entry of the order log that is not Raft's own: the position to reach. */
  private long lastEntry() {
    RaftGroup order = world.logs().log(0);
    long at = order.end();
    while (at >= 0 && order.entry(at).bytes() == null) {
      at--;
    }
    return at;
  }

  String describe() {
    MemoryFile file = disk.current();
    return "n%d: position %d of %d, pending %d, parked %s, skipped %s, open %d, %s, copies %s from %s"
        .formatted(
            id,
            file.position,
            world.logs().log(0).end(),
            file.pending().size(),
            file.parked.keySet().stream().map(SampleTable::show).toList(),
            file.skipped.stream().map(SampleTable::show).toList(),
            life().chunks().open(),
            life().origin().progress(),
            copies(),
            Arrays.toString(floors));
  }

  private List<RaftCopy> copies() {
    return IntStream.range(0, floors.length)
        .mapToObj(log -> world.logs().log(log).copy(id))
        .toList();
  }
}
