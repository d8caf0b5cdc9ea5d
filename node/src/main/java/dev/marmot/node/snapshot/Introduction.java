package dev.marmot.node.snapshot;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.marmot.node.config.Address;
import dev.marmot.proto.v1.DescribeReply;
import dev.marmot.proto.v1.DescribeRequest;
import dev.marmot.proto.v1.KnownLife;
import dev.marmot.proto.v1.Member;
import dev.marmot.raft.PeerCallException;
import dev.marmot.raft.ratis.PeerClient;
import dev.marmot.sqlite.store.SqliteSnapshot;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What a node asks of a cluster before it is a part of it. Stateless. */
public final class Introduction {
  private static final Duration CALL = Duration.ofSeconds(5);

  /** A member that is up and reachable answers at once. */
  private static final Duration KNOWN = Duration.ofSeconds(2);

  private static final Duration DONOR = Duration.ofMinutes(10);
  private static final int ATTEMPTS = 6;

  private Introduction() {}

  /** Which cluster a node belongs to, and who else does. */
  public static DescribeReply describe(Address member) throws IOException {
    return describe(member, 0, 0);
  }

  /**
   * The same.
   *
   * @param node that asks, and what is known of it is wanted; else 0
   * @param joining number with which the asking node wants to join, and what stands against it is
   *     wanted, too; else 0
   */
  public static DescribeReply describe(Address member, int node, int joining) throws IOException {
    IOException last = new IOException("not asked");
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      try (PeerClient client = new PeerClient(member.host(), member.port())) {
        ByteString request =
            DescribeRequest.newBuilder().setNode(node).setJoining(joining).build().toByteString();
        DescribeReply reply =
            DescribeReply.parseFrom(
                client
                    .call("describe", request, CALL)
                    .toCompletableFuture()
                    .get(2 * CALL.toMillis(), TimeUnit.MILLISECONDS));
        checkReach(member, reply);
        return reply;
      } catch (ExecutionException e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        last =
            new IOException(
                cause instanceof PeerCallException call
                    ? call.reason()
                    : String.valueOf(cause.getMessage()),
                cause);
      } catch (TimeoutException e) {
        last = new IOException("no answer within " + CALL.toSeconds() + " s", e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
    }
    throw new IOException(
        "cannot join through %s: %s; give the raft address (bind or advertise) of a running member"
            .formatted(member, last.getMessage()),
        last);
  }

  /** A cluster of one that is known at a loopback address cannot have members elsewhere. */
  static void checkReach(Address through, DescribeReply reply) throws IOException {
    for (Member member : reply.getMembersList()) {
      Address known = new Address(member.getHost(), member.getPort());
      if (known.isLoopback() && !through.isLoopback()) {
        throw new IOException(
            "cannot join through %s: node %d of that cluster is known at %s, where only its own machine reaches it; start node %d with --advertise %s first"
                .formatted(through, member.getNodeId(), known, member.getNodeId(), through));
      }
    }
  }

  /**
   * What the members that answer now know of a node of their cluster.
   *
   * @param node that asks before it opens its raft logs
   */
  public static List<KnownLife> known(List<Address> members, String cluster, int node)
      throws IOException {
    ByteString request = DescribeRequest.newBuilder().setNode(node).build().toByteString();
    List<PeerClient> clients = new ArrayList<>();
    List<CompletableFuture<Optional<KnownLife>>> answers = new ArrayList<>();
    try {
      for (Address member : members) {
        PeerClient client = new PeerClient(member.host(), member.port());
        clients.add(client);
        answers.add(
            client
                .call("describe", request, KNOWN)
                .toCompletableFuture()
                .handle((reply, failure) -> known(cluster, reply)));
      }
      return answers.stream().flatMap(answer -> answer.join().stream()).toList();
    } catch (CompletionException e) {
      throw new IOException(String.valueOf(e.getCause() == null ? e : e.getCause()), e);
    } finally {
      clients.forEach(PeerClient::close);
    }
  }

  /** One that does not answer, or belongs elsewhere, says nothing. */
  private static Optional<KnownLife> known(String cluster, @Nullable ByteString reply) {
    try {
      return Optional.ofNullable(reply == null ? null : DescribeReply.parseFrom(reply))
          .filter(answer -> answer.getIdentity().getCluster().equals(cluster))
          .map(DescribeReply::getKnown);
    } catch (InvalidProtocolBufferException e) {
      throw new CompletionException("cannot read a member's answer: " + e.getMessage(), e);
    }
  }

  /** Whether a node of a cluster answers at an address now. */
  public static boolean answers(Address address, String cluster) throws IOException {
    try (PeerClient client = new PeerClient(address.host(), address.port())) {
      ByteString request = DescribeRequest.getDefaultInstance().toByteString();
      ByteString reply =
          client
              .call("describe", request, CALL)
              .toCompletableFuture()
              .get(2 * CALL.toMillis(), TimeUnit.MILLISECONDS);
      return DescribeReply.parseFrom(reply).getIdentity().getCluster().equals(cluster);
    } catch (ExecutionException | TimeoutException e) {
      return false; // that is what was asked
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /**
   * Makes a database of a snapshot of one of these nodes, where there is no file.
   *
   * @param directory where the snapshot is kept while it comes
   * @param progress told how far it is
   */
  public static void bring(
      List<Address> members, Path directory, Path database, Consumer<String> progress)
      throws IOException {
    IOException last = new IOException("no other node is known");
    for (Address member : members) {
      try (PeerClient client = new PeerClient(member.host(), member.port())) {
        String from = "brings the database from " + member + ": ";
        progress.accept(from + "waits for the snapshot");
        SqliteSnapshot snapshot =
            new SnapshotFetch(client::call, directory, SnapshotFetch.Start.EMPTY)
                .telling(done -> progress.accept(from + done))
                .fetch(-1, DONOR);
        snapshot.place(database);
        return;
      } catch (IOException e) {
        last = new IOException(member + ": " + e.getMessage(), e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
    }
    throw new IOException(
        "cannot bring the database %s from another node: %s; start when one is up"
            .formatted(database, last.getMessage()),
        last);
  }
}
