package dev.marmot.sqlite;

/**
 * A row image that lost against a concurrent write: a function of the order log, so the same on
 * every node that knows the image. Immutable.
 *
 * @param position order log index at which it lost
 * @param losingOrigin node that wrote it, 0 when it is no longer known
 */
public record Conflict(
    RowImage losing, int losingOrigin, int winningOrigin, long position, Reason reason) {
  /** Why an image lost. */
  public enum Reason {
    /** A concurrent write of the same row was ordered later. */
    OVERWRITTEN,
    /** Two nodes inserted different rows under the same key; this one was ordered first. */
    INSERTED_TWICE,
    /** A concurrent delete of the same row was ordered later. */
    DELETED,
    /** A concurrent write took a value that a UNIQUE index allows only once. */
    DISPLACED,
    /**
     * A concurrent write of the same row was ordered later and says the same: of two effects the
     * row shows one.
     */
    EQUAL,
    /** Written by earlier versions: a local write that was not ordered yet stood in the way. */
    PENDING
  }
}
