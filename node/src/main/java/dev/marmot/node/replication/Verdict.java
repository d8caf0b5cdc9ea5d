package dev.marmot.node.replication;

/** What the order log says about a record. The same on every node. */
public enum Verdict {
  /** The origin's next change set in its current epoch: applied. */
  ACCEPTED,
  /** Of an origin that never opened an epoch, so of no member: ignored. */
  NOBODY,
  /** Of an epoch that a later one has ended: ignored. */
  DEAD,
  /** Already applied: ignored. */
  DUPLICATE,
  /** A change set before it is missing: ignored, the origin proposes it again. */
  GAP
}
