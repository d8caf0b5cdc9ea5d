package dev.marmot.node.identity;

import dev.marmot.proto.v1.NodeIdentity;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Whether options, directory and SQLite file belong together. A pure decision: better not to start
 * than to vote with amnesia or to replicate from the wrong place.
 */
public final class StartCheck {
  private StartCheck() {}

  /**
   * What the SQLite file says.
   *
   * @param cluster id of the cluster that it belongs to; empty when it never belonged to one
   * @param node node that it belongs to; empty likewise
   * @param position order log index at which it stands, -1 when nothing was applied to it
   * @param bound whether it ever replicated; until then cluster, bootstrap and shards may change
   */
  public record FileFacts(
      Path path,
      long file,
      Optional<String> cluster,
      Optional<String> node,
      long position,
      boolean bound) {
    /** A file that a snapshot of the cluster made here, or is going to: it belongs to this node. */
    public FileFacts placed() {
      return new FileFacts(path, file, cluster, Optional.empty(), -1, true);
    }
  }

  /**
   * Why the node must not start; empty when it may.
   *
   * @param stored what the directory says; empty when the directory is new
   */
  public static Optional<String> refusal(
      NodeIdentity wanted, Path directory, Optional<NodeIdentity> stored, FileFacts file) {
    String cannot = "cannot start node " + wanted.getNodeId() + ": ";
    Optional<String> leftOut = stored.flatMap(identity -> Identities.leftOut(identity, wanted));
    if (leftOut.isPresent()) {
      return Optional.of(cannot + leftOut.get());
    }
    Optional<String> other =
        stored.flatMap(identity -> Identities.differsFromDirectory(identity, wanted, file.bound()));
    if (other.isPresent()) {
      return Optional.of(
          cannot
              + "directory %s does not fit: %s; start it with the options it was made with, or, if the"
                  .formatted(directory, other.get())
              + " address of a node has changed, move that node's directory aside (not its SQLite"
              + " file) and start it with --join in place of --bootstrap");
    }
    String node = Integer.toString(wanted.getNodeId());
    if (file.node().isPresent() && !file.node().get().equals(node)) {
      return Optional.of(
          cannot
              + "%s belongs to node %s; give each node a file of its own, or run `marmot cleanup`"
                  .formatted(file.path(), file.node().get())
              + " on a copy");
    }
    if (file.bound()
        && file.cluster().isPresent()
        && !file.cluster().get().equals(wanted.getCluster())) {
      return Optional.of(
          cannot
              + "%s belongs to another cluster (%s, this one is %s);"
                  .formatted(file.path(), file.cluster().get(), wanted.getCluster())
              + " start it with the cluster and bootstrap of before, or run `marmot cleanup` on it");
    }
    if (stored.isEmpty() && file.position() >= 0) {
      return Optional.of(
          cannot
              + "%s stands at position %d, but directory %s is new: the raft logs are lost, and a"
                  .formatted(file.path(), file.position(), directory)
              + " node must not vote without them; give the directory of before as raft-path; or, if"
              + " other members still run, start with --join and the raft address of one; or, if the"
              + " raft logs of all nodes are lost, run `marmot cleanup` on the file of each and start"
              + " all as before, where files differ with --seed-from and the node whose content"
              + " counts");
    }
    if (stored.isPresent() && stored.get().getFile() != file.file()) {
      return Optional.of(
          cannot
              + ("%s is not the file that directory %s belongs to: it was lost or replaced, or"
                      + " Marmot's tables in it were dropped while Marmot did not run; put the file"
                      + " of before back, or start with --adopt to take the rows of the cluster (a"
                      + " copy of this file is kept)")
                  .formatted(file.path(), directory));
    }
    return Optional.empty();
  }
}
