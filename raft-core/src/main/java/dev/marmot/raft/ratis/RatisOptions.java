package dev.marmot.raft.ratis;

import dev.marmot.raft.RaftOptions;
import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.RaftConfigKeys;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.grpc.GrpcConfigKeys;
import org.apache.ratis.server.RaftServerConfigKeys;
import org.apache.ratis.util.SizeInBytes;
import org.apache.ratis.util.TimeDuration;

/** Every setting of Ratis that matters, with its reason. Pure functions. */
final class RatisOptions {
  /** The largest message of either service on the port: a batch of log entries, or a call. */
  static final int MAX_MESSAGE_BYTES = 16 << 20;

  /** Also the largest log entry; our limit on a proposal leaves room for what Raft adds. */
  private static final int APPENDER_BUFFER_BYTES = 2 << 20;

  static final int MAX_ENTRY_BYTES = APPENDER_BUFFER_BYTES - (64 << 10);

  private RatisOptions() {}

  static RaftProperties properties(RaftOptions options) {
    RaftProperties properties = new RaftProperties();
    network(properties, options);
    storage(properties, options.directory());
    elections(properties);
    log(properties);
    appender(properties);
    snapshots(properties);
    limits(properties);
    return properties;
  }

  private static void network(RaftProperties properties, RaftOptions options) {
    RaftConfigKeys.Rpc.setType(properties, new SyncedRpc());
    GrpcConfigKeys.Server.setHost(properties, options.bindHost());
    // Client and admin services stay on the same port: their own ports are left unset.
    GrpcConfigKeys.Server.setPort(properties, options.bindPort());
    // Heartbeats must not queue behind large appends, or leaders are deposed under load.
    GrpcConfigKeys.Server.setHeartbeatChannel(properties, true);
    GrpcConfigKeys.setMessageSizeMax(properties, SizeInBytes.valueOf(MAX_MESSAGE_BYTES));
    GrpcConfigKeys.setFlowControlWindow(properties, SizeInBytes.valueOf(1 << 20));
    RaftServerConfigKeys.Rpc.setRequestTimeout(properties, millis(3000));
  }

  private static void storage(RaftProperties properties, Path directory) {
    // The default is below /tmp. With exactly one directory RECOVER also formats what is missing.
    RaftServerConfigKeys.setStorageDir(properties, List.of(directory.toFile()));
    File removed = directory.resolve("removed").toFile();
    RaftServerConfigKeys.setRemovedGroupsDir(properties, removed);
  }

  private static void elections(RaftProperties properties) {
    // The defaults (150-300 ms) lose leaders of 17 groups under load on a small machine; heartbeats
    // go out at half of the minimum.
    RaftServerConfigKeys.Rpc.setTimeoutMin(properties, millis(1000));
    RaftServerConfigKeys.Rpc.setTimeoutMax(properties, millis(1600));
    // The first election comes soon after start: nobody can have a leader to lose.
    RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMin(properties, millis(200));
    RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMax(properties, millis(500));
    RaftServerConfigKeys.LeaderElection.setPreVote(properties, true);
    // Also how long a pause of the JVM may be before leaders step down.
    RaftServerConfigKeys.LeaderElection.setLeaderStepDownWaitTime(properties, millis(3000));
    // The default closes the server for good after a pause of 60 s, such as a suspended machine.
    RaftServerConfigKeys.setCloseThreshold(
        properties, TimeDuration.valueOf(86_400, TimeUnit.SECONDS));
    // How long a new member may say nothing while it is fed, a pause of its JVM too. The default (3
    // x
    // maximum timeout) is too short; no other change of members of that log is possible meanwhile.
    RaftServerConfigKeys.setStagingTimeout(properties, millis(15_000));
  }

  private static void log(RaftProperties properties) {
    RaftServerConfigKeys.Log.setUseMemory(properties, false);
    // With composing on, a follower begins a batch only after the fsync of the one before: three to
    // four times fewer commits with 16 groups.
    properties.setBoolean(RaftServerConfigKeys.Log.APPEND_ENTRIES_COMPOSE_ENABLED_KEY, false);
    // An entry that is read again after eviction costs one whole segment, and the open segment of
    // every group stays in the heap: both ask for small segments.
    RaftServerConfigKeys.Log.setSegmentSizeMax(properties, SizeInBytes.valueOf(1 << 20));
    RaftServerConfigKeys.Log.setSegmentCacheNumMax(properties, 1);
    RaftServerConfigKeys.Log.setSegmentCacheSizeMax(properties, SizeInBytes.valueOf(1 << 20));
    RaftServerConfigKeys.Log.setPreallocatedSize(properties, SizeInBytes.valueOf(64 << 10));
    // Direct memory of each group; must hold the largest batch and its frame.
    RaftServerConfigKeys.Log.setWriteBufferSize(
        properties, SizeInBytes.valueOf(APPENDER_BUFFER_BYTES + 4096));
    // Acknowledged means synced: neither of the two short cuts.
    RaftServerConfigKeys.Log.setUnsafeFlushEnabled(properties, false);
    RaftServerConfigKeys.Log.setAsyncFlushEnabled(properties, false);
    RaftServerConfigKeys.Log.setForceSyncNum(properties, 128);
    // Without these entries followers learn of the last commit half a second late.
    RaftServerConfigKeys.Log.setLogMetadataEnabled(properties, true);
    RaftServerConfigKeys.Log.setCorruptionPolicy(
        properties, RaftServerConfigKeys.Log.CorruptionPolicy.EXCEPTION);
  }

  private static void appender(RaftProperties properties) {
    RaftServerConfigKeys.Log.Appender.setBufferByteLimit(
        properties, SizeInBytes.valueOf(APPENDER_BUFFER_BYTES));
    // A leader tries again to reach a member that is down. The default waits up to 5 s, and so long
    // a member that is back does not know its leaders.
    RaftServerConfigKeys.Log.Appender.setRetryPolicy(properties, "1ms,10, 300ms,1000000000");
    // Ratis never ships state: a node that lags behind a purged log is told so and fetches it.
    RaftServerConfigKeys.Log.Appender.setInstallSnapshotEnabled(properties, false);
  }

  private static void snapshots(RaftProperties properties) {
    // A floor far below the last entry would make Ratis take snapshots in a hot loop: it is told
    // when there is one to take.
    RaftServerConfigKeys.Snapshot.setAutoTriggerEnabled(properties, false);
    RaftServerConfigKeys.Snapshot.setTriggerWhenStopEnabled(properties, false);
    RaftServerConfigKeys.Snapshot.setTriggerWhenRemoveEnabled(properties, false);
    // Purging goes exactly up to the floor, whatever other members have: what to keep for them is
    // part of the floor.
    RaftServerConfigKeys.Log.setPurgeUptoSnapshotIndex(properties, true);
    RaftServerConfigKeys.Log.setPurgePreservationLogNum(properties, 0);
    RaftServerConfigKeys.Log.setPurgeGap(properties, 1);
  }

  private static void limits(RaftProperties properties) {
    // Pending writes of one group at its leader, own and forwarded.
    RaftServerConfigKeys.Write.setElementLimit(properties, 1024);
    RaftServerConfigKeys.Write.setByteLimit(properties, SizeInBytes.valueOf(16 << 20));
    // Holds every reply; longer than Proposer.TIME_LIMIT has no use.
    RaftServerConfigKeys.RetryCache.setExpiryTime(properties, millis(10_000));
    // Unbounded pools per group grow to hundreds of threads; no throughput was lost with these.
    RaftServerConfigKeys.ThreadPool.setServerSize(properties, 4);
    RaftServerConfigKeys.ThreadPool.setClientSize(properties, 4);
    GrpcConfigKeys.Server.setAsyncRequestThreadPoolSize(properties, 8);
  }

  private static TimeDuration millis(long millis) {
    return TimeDuration.valueOf(millis, TimeUnit.MILLISECONDS);
  }
}
