package dev.marmot.raft;

/** This node is no member of its cluster any more. It must not serve, and cannot come back. */
public final class RemovedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A node that the cluster goes on without, for another reason than its removal. */
  public RemovedException(String message) {
    super(message);
  }

  public RemovedException(NodeId self) {
    this(
        "%s was removed from the cluster and cannot come back; if it should, start it as a new node with another number, a raft-path of its own and a file of its own"
            .formatted(self));
  }
}
