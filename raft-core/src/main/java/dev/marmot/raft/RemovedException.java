package dev.marmot.raft;

/** This node is no member of its cluster any more. It must not serve, and cannot come back. */
public final class RemovedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public RemovedException(NodeId self) {
    super(
        "%s was removed from the cluster; stop it, and add it again as a new node if that was not meant"
            .formatted(self));
  }
}
