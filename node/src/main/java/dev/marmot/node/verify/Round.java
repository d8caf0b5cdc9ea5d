package dev.marmot.node.verify;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import dev.marmot.node.replication.NotStartedException;
import dev.marmot.proto.v1.Fence;
import dev.marmot.proto.v1.TableDifference;
import dev.marmot.proto.v1.VerifiedNode;
import dev.marmot.proto.v1.VerifyFence;
import dev.marmot.proto.v1.VerifyKeysReply;
import dev.marmot.proto.v1.VerifyReport;
import dev.marmot.raft.Member;
import dev.marmot.raft.NodeId;
import dev.marmot.raft.PeerCallException;
import dev.marmot.raft.RaftNode;
import dev.marmot.sqlite.store.TableHashes;
import dev.marmot.sqlite.store.TableHashes.TableHash;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;

/** One comparison of all nodes at one position. Confined to the verifier's thread. */
final class Round implements AutoCloseable {
  private final int self;
  private final List<Member> members;
  private final VerifyCalls calls;
  private final Map<Integer, String> errors = new TreeMap<>();
  private final Set<Long> undecided = new HashSet<>();
  private final String id = UUID.randomUUID().toString();
  private final long startNanos = System.nanoTime();
  private Map<Integer, TableHashes> hashes = Map.of();
  private List<Difference> differences = List.of();

  Round(RaftNode raft, NodeId self) {
    this.self = self.value();
    this.members = raft.members();
    this.calls = new VerifyCalls(raft, id);
  }

  /**
   * Sets the fence and compares what the nodes have there.
   *
   * @param fences where a fence is proposed to the order log
   * @param wait for which a node may take to get there
   */
  void compare(Consumer<Fence> fences, Duration wait) {
    Map<Integer, CompletableFuture<VerifyKeysReply>> asked = new TreeMap<>();
    for (Member member : members) { // before the fence, so that nobody passes it unprepared
      asked.put(member.id().value(), calls.keys(member.id(), wait));
    }
    setFence(fences);
    Map<Integer, VerifyKeysReply> keys = answers(asked);
    checkSomebody(keys.keySet());
    keys.values().forEach(reply -> undecided.addAll(reply.getUndecidedList()));
    Answers.checkFew(undecided.size());
    hashes = answers(ask(keys.keySet(), node -> calls.hashes(new NodeId(node), undecided)));
    checkSomebody(hashes.keySet());
    checkPositions();
    differences = Difference.between(hashes, members.size());
  }

  private void setFence(Consumer<Fence> fences) {
    VerifyFence verify = VerifyFence.newBuilder().setAsker(self).build();
    try {
      fences.accept(Fence.newBuilder().setId(id).setVerify(verify).build());
    } catch (NotStartedException e) {
      throw new ControlException(
          Kind.UNAVAILABLE,
          "cannot compare: this node is still starting; see `marmot status`, try again",
          e);
    }
  }

  /** Asks nodes all at once. */
  static <T> Map<Integer, CompletableFuture<T>> ask(
      Iterable<Integer> nodes, Function<Integer, CompletableFuture<T>> question) {
    Map<Integer, CompletableFuture<T>> asked = new TreeMap<>();
    nodes.forEach(node -> asked.put(node, question.apply(node)));
    return asked;
  }

  /** Who answered, and what; notes why others did not. */
  private <T> Map<Integer, T> answers(Map<Integer, CompletableFuture<T>> asked) {
    Map<Integer, T> answers = new TreeMap<>();
    asked.forEach(
        (node, answer) -> {
          try {
            answers.put(node, answer.join());
          } catch (CompletionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            errors.put(
                node,
                cause instanceof PeerCallException call
                    ? call.reason()
                    : String.valueOf(cause.getMessage()));
          }
        });
    return answers;
  }

  /** With no answer nothing was compared, and nothing is equal. */
  private void checkSomebody(Set<Integer> answered) {
    if (answered.isEmpty()) {
      throw new ControlException(
          Kind.UNAVAILABLE,
          "cannot compare: no node reached the position of the comparison (%s); see with `marmot"
                  .formatted(
                      errors.entrySet().stream()
                          .map(error -> "n" + error.getKey() + ": " + error.getValue())
                          .collect(Collectors.joining(", ")))
              + " status` that a majority is up, then try again");
    }
  }

  private void checkPositions() {
    if (hashes.values().stream().map(TableHashes::position).distinct().count() > 1) {
      throw new IllegalStateException(
          "cannot compare: the nodes read their files at different positions "
              + new TreeSet<>(hashes.values().stream().map(TableHashes::position).toList())
              + "; report this");
    }
  }

  boolean complete() {
    return hashes.size() == members.size();
  }

  List<Difference> differences() {
    return differences;
  }

  VerifyCalls calls() {
    return calls;
  }

  /** Whether the row with this key hash was not compared. */
  boolean leftOut(long keyHash) {
    return undecided.contains(keyHash);
  }

  /** At most so many rows a node has in these ranges. */
  long rows(String table, List<Integer> ranges) {
    long most = 0;
    for (TableHashes node : hashes.values()) {
      TableHash hash = node.tables().get(table);
      if (hash != null) {
        most = Math.max(most, ranges.stream().mapToLong(r -> hash.sums()[3 * r]).sum());
      }
    }
    return most;
  }

  VerifyReport report() {
    VerifyReport.Builder report =
        VerifyReport.newBuilder()
            .setEqual(complete() && differences.isEmpty())
            .setPosition(
                hashes.values().stream().mapToLong(TableHashes::position).findFirst().orElse(-1))
            .setTables((int) tables())
            .setRows(hashes.values().stream().mapToLong(Round::rows).max().orElse(0))
            .setLeftOut(undecided.size())
            .setTookMillis(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos));
    for (Member member : members) {
      int node = member.id().value();
      report.addNodes(
          VerifiedNode.newBuilder()
              .setNode(node)
              .setAddress(member.address())
              .setAnswered(hashes.containsKey(node))
              .setError(errors.getOrDefault(node, "")));
    }
    for (Difference difference : differences) {
      report.addDifferences(
          TableDifference.newBuilder()
              .setTable(difference.table())
              .addAllRanges(difference.ranges())
              .addAllMajority(difference.majority())
              .addAllDiffering(difference.differing())
              .addAllMissing(difference.missing()));
    }
    return report.build();
  }

  private long tables() {
    return hashes.values().stream().flatMap(h -> h.tables().keySet().stream()).distinct().count();
  }

  private static long rows(TableHashes node) {
    return node.tables().values().stream().mapToLong(TableHash::rows).sum();
  }

  /** Lets the nodes close their readings; those that do not hear it do so after a while. */
  @Override
  public void close() {
    for (Member member : members) {
      var unused = calls.close(member.id());
    }
  }
}
