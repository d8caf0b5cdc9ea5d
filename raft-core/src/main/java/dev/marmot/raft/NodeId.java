package dev.marmot.raft;

/** Identity of a node: a positive integer, chosen by the operator, never re-used. Immutable. */
public record NodeId(int value) implements Comparable<NodeId> {
  public NodeId {
    if (value <= 0) {
      throw new IllegalArgumentException("node id must be positive, got " + value);
    }
  }

  @Override
  public int compareTo(NodeId other) {
    return Integer.compare(value, other.value);
  }

  @Override
  public String toString() {
    return "n" + value;
  }
}
