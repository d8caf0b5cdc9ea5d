package dev.marmot.node.replication;

import dev.marmot.sqlite.codec.Slicer;
import java.util.EnumSet;
import java.util.Set;

/**
 * The protocol's own numbers, and which of its rules are kept. Nodes always run {@link #ALL}; the
 * simulation makes the numbers small, and leaves a rule out to show that it then finds a violation.
 * Immutable.
 *
 * @param windowKeys keys that the writer window remembers; the same on all nodes
 * @param pieceBytes uncompressed bytes up to which a chunk gathers rows
 */
public record ProtocolRules(int windowKeys, int pieceBytes, Set<Rule> leftOut) {
  /** What every node runs. */
  public static final ProtocolRules ALL =
      new ProtocolRules(100_000, Slicer.PIECE_BYTES, EnumSet.noneOf(Rule.class));

  public ProtocolRules {
    leftOut = Set.copyOf(leftOut);
  }

  boolean keep(Rule rule) {
    return !leftOut.contains(rule);
  }

  /** The rules that can be left out, in the words of docs/replication.md. */
  public enum Rule {
    /** A start of the origin opens an epoch that was never used before. */
    NEW_EPOCH_AT_START,
    /** A part of an epoch is drawn at random: no other life of the node ever opens the same. */
    DRAWN_EPOCHS,
    /** A node that meets an epoch of its own that its directory did not open stops. */
    FOREIGN_EPOCH_STOPS,
    /** An origin whose epoch somebody ended opens a new one. */
    REOPEN_ENDED_EPOCH,
    /** Capture only after the own epoch is applied. */
    CAPTURE_WHEN_READY,
    /** Capture only what is newer than the newest applied change set covers. */
    CAPTURE_AFTER_MAX_SEQ,
    /** What was captured survives a power loss before it is proposed. */
    SYNC_BEFORE_SENDING,
    /** A record is proposed only after all its chunks are committed. */
    CHUNKS_BEFORE_RECORD,
    /** Records of ended epochs have no effect. */
    OLD_EPOCHS_ARE_DEAD,
    /** A record that does not follow the newest one of its origin has no effect. */
    NO_GAPS,
    /** A record that was applied has no effect again. */
    EACH_ONCE,
    /** A record waits until all its chunks are here. */
    ALL_CHUNKS,
    /** The numbers of the change log belong to one file. */
    FILE_IDENTITY,
    /** An own change set settles a key only when no newer local write of it exists. */
    SETTLE_BY_MAX_SEQ,
    /** An image that its origin kept a foreign one away from counts as concurrent. */
    OVER,
    /** Every node keeps a row that a concurrent write replaces. */
    CONFLICTS_EVERYWHERE,
    /** What the order log puts under a pending key is remembered: it may lose as a row does. */
    HIDDEN_IS_REMEMBERED,
    /** What the order log has under a pending key is displaced as rows are. */
    HIDDEN_IS_DISPLACED,
    /** An install remembers what the snapshot has under pending keys. */
    INSTALL_HIDES,
    /** A node takes from the others what its conflict log lacks. */
    LEARN_CONFLICTS,
    /** An image that is kept away from a pending key displaces other rows all the same. */
    SKIPPED_DISPLACES,
    /** Parked images are displaced as rows are. */
    PARKED_IS_DISPLACED,
    /** A parked image whose key has become pending gives way. */
    PARKED_GIVES_WAY,
    /** The rows of a change set make room for each other before they are written. */
    MAKE_ROOM_FIRST,
    /** Logs are purged by a state that survives a power loss. */
    PURGE_BY_DURABLE_STATE,
    /** A chunk stays in the log until its change set is settled. */
    PURGE_SETTLED_ONLY,
    /** A copy skips a hole only when the position says that nothing of it is needed. */
    SKIP_ONLY_WHAT_IS_OLD,
    /**
     * Or when the donor of the snapshot that is needed first waits until its writes are ordered.
     */
    SKIP_AHEAD_FOR_THE_DONOR,
    /** A node that stands before the floor of an own copy raises no floor. */
    PURGE_NOT_BEFORE_OWN_FLOOR,
    /**
     * A node that stands before the floor of an own copy applies nothing until it has installed.
     */
    OWN_FLOOR_HOLDS_BACK,
    /** The records up to where the pending rows have come back belong to the snapshot. */
    DONOR_SENDS_THE_TAIL,
    /** An install takes over what is applied of each origin, the epochs, and the writers. */
    INSTALL_WITH_BOOKKEEPING,
    /** An install deletes the change log rows that the snapshot covers. */
    INSTALL_TRIMS_CHANGE_LOG,
    /** An install marks pending keys whose newest foreign image was not seen. */
    INSTALL_SKIPS,
    /** Rows of a snapshot that collide with pending ones are parked. */
    INSTALL_PARKS,
    /** The epoch of an origin that left chunks behind is ended. */
    EXPIRY,
    /** Nothing is applied behind an entry that cannot be had at the moment. */
    READ_SAYS_WHICH,
    /** Bytes that are no entry have no effect, on every node. */
    PASS_OVER_UNREADABLE,
    /** A record of an origin that never opened an epoch has no effect. */
    RECORDS_OF_MEMBERS
  }
}
