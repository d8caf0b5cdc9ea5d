package dev.marmot.sqlite;

import dev.marmot.sqlite.ApplyTransaction.Held;

/**
 * A held row as an operator sees it. Immutable.
 *
 * @param sinceMillis when this node could not store it, since 1970
 */
public record HeldRow(long sinceMillis, Held held) {}
