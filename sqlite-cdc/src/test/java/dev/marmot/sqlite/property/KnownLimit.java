package dev.marmot.sqlite.property;

import dev.marmot.sqlite.store.Replica;

/**
 * Where triggers of any kind change what SQLite does (docs/cases.md): a trial ends there. Pure.
 *
 * <ul>
 *   <li>A table that is STRICT checks types before BEFORE triggers, so before NOT NULL.
 *   <li>A statement that nests 1,000 triggers deep fails in the hooks' trigger; with OR REPLACE or
 *       OR FAIL in a transaction, SQLite keeps what it had done until then.
 *   <li>A BEFORE UPDATE trigger that takes a row out of a full-text index, and an UPDATE OR IGNORE
 *       that then does nothing, leave the index without the row, also without Marmot. Deleting the
 *       row fails from then on, in any program, until the index is rebuilt.
 * </ul>
 */
final class KnownLimit {
  private KnownLimit() {}

  /** The full-text index is damaged by the application's own triggers (seed 40029). */
  static boolean applies(Replica node) {
    return node.warnings().stream().anyMatch(warning -> warning.contains("the search index"));
  }

  static boolean applies(Outcome plain, Outcome hooked) {
    return hooked.error().contains("nested too deep")
        || (hooked.error().contains("SQLITE_CONSTRAINT_DATATYPE")
            && !plain.error().equals(hooked.error()));
  }
}
