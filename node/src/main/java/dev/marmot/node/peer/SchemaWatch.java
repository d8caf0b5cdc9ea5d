package dev.marmot.node.peer;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.proto.v1.SchemaReply;
import dev.marmot.proto.v1.SchemaRequest;
import dev.marmot.proto.v1.TableDeclaration;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerHandler;
import dev.marmot.raft.RaftNode;
import dev.marmot.sqlite.store.Declarations;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the other nodes again and again how they declare the replicated tables, and tells where that
 * differs from this node's file. Thread-safe.
 */
public final class SchemaWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SchemaWatch.class);
  private static final String SCHEMA = "schema";
  private static final Duration EVERY = Duration.ofSeconds(3);

  /** A migration that goes from node to node takes less; what differs longer is worth a warning. */
  private static final Duration MIGRATION = Duration.ofSeconds(30);

  private static final Duration TIMEOUT = Duration.ofSeconds(2);

  private final NodeId self;
  private final Supplier<Declarations> declarations;
  private final Duration every;
  private final Map<NodeId, Heard> heard = new ConcurrentHashMap<>();
  private final ScheduledExecutorService timer;
  private volatile @Nullable Declarations mine;
  private volatile List<String> warnings = List.of();

  /** Whether the log has a warning of the present differences, or needs none. */
  @GuardedBy("this")
  private boolean warned = true;

  /** When the present differences, or none, were found. */
  @GuardedBy("this")
  private long changedNanos;

  /**
   * @param declarations reads this node's from its file
   */
  public SchemaWatch(NodeId self, Supplier<Declarations> declarations) {
    this(self, declarations, EVERY);
  }

  SchemaWatch(NodeId self, Supplier<Declarations> declarations, Duration every) {
    this.self = self;
    this.every = every;
    this.declarations = declarations;
    this.timer = PeerTimer.open(self, "schemas");
  }

  /** What this node answers. */
  public Map<String, PeerHandler> handlers() {
    return Map.of(SCHEMA, request -> CompletableFuture.completedFuture(answer(request)));
  }

  private ByteString answer(ByteString request) {
    Declarations now = mine;
    if (now == null) {
      return SchemaReply.getDefaultInstance().toByteString();
    }
    SchemaReply.Builder reply = SchemaReply.newBuilder().setDigest(now.digest());
    if (!parse(() -> SchemaRequest.parseFrom(request)).getKnown().equals(reply.getDigest())) {
      now.tables()
          .forEach(
              (name, columns) ->
                  reply.addTables(
                      TableDeclaration.newBuilder().setName(name).putAllColumns(columns)));
    }
    return reply.build().toByteString();
  }

  /** Begins to ask. */
  public SchemaWatch start(RaftNode raft) {
    var unused =
        timer.scheduleWithFixedDelay(() -> round(raft), 0, every.toMillis(), TimeUnit.MILLISECONDS);
    return this;
  }

  private void round(RaftNode raft) {
    try {
      mine = declarations.get();
    } catch (RuntimeException e) {
      log.atDebug().setCause(e).log("declarations not read"); // locked: the next round will
    }
    warn();
    List<Member> members = raft.members();
    heard.keySet().retainAll(members.stream().map(Member::id).toList());
    for (Member member : members) {
      if (!member.id().equals(self)) {
        ask(raft, member.id());
      }
    }
    compare();
  }

  private void ask(RaftNode raft, NodeId node) {
    String known = heard.getOrDefault(node, Heard.NOTHING).digest();
    ByteString request = SchemaRequest.newBuilder().setKnown(known).build().toByteString();
    var unused =
        raft.call(node, SCHEMA, request, TIMEOUT)
            .thenAccept(body -> heard(node, known, parse(() -> SchemaReply.parseFrom(body))));
  }

  /**
   * A node that does not answer is shown as unreachable elsewhere; one may not have read its own.
   */
  private void heard(NodeId node, String known, SchemaReply reply) {
    if (reply.getDigest().equals(known) || reply.getDigest().isEmpty()) {
      return;
    }
    Map<String, Map<String, String>> tables = new TreeMap<>();
    reply.getTablesList().forEach(table -> tables.put(table.getName(), table.getColumnsMap()));
    heard.put(node, new Heard(reply.getDigest(), new Declarations(tables)));
    compare();
  }

  private synchronized void compare() {
    Declarations now = mine;
    if (now == null) {
      return;
    }
    List<String> found = new ArrayList<>();
    new TreeMap<>(heard)
        .forEach(
            (node, other) ->
                found.addAll(now.differences(other.declarations(), "node " + node.value())));
    if (!found.equals(warnings)) {
      warnings = List.copyOf(found);
      changedNanos = System.nanoTime();
      if (found.isEmpty()) {
        log.atInfo().log("the nodes declare their tables alike");
        warned = true;
      } else {
        log.atInfo().addKeyValue("differences", found).log("the nodes declare tables differently");
        warned = false;
      }
    }
  }

  private synchronized void warn() {
    if (!warned && System.nanoTime() - changedNanos > MIGRATION.toNanos()) {
      warned = true;
      log.atWarn().addKeyValue("differences", warnings).log("the nodes still differ in tables");
    }
  }

  /** Where the nodes' declarations differ, in words. */
  public List<String> warnings() {
    return warnings;
  }

  private static <T> T parse(Parser<T> parser) {
    try {
      return parser.parse();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("cannot read a node's declarations: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }

  private interface Parser<T> {
    T parse() throws InvalidProtocolBufferException;
  }

  private record Heard(String digest, Declarations declarations) {
    static final Heard NOTHING = new Heard("", new Declarations(Map.of()));
  }
}
