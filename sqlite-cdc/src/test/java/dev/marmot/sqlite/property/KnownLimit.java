package dev.marmot.sqlite.property;

/**
 * Where triggers of any kind change what SQLite does (docs/cases.md): a trial ends there. Pure.
 *
 * <ul>
 *   <li>A table that is STRICT checks types before BEFORE triggers, so before NOT NULL.
 *   <li>A statement that nests 1,000 triggers deep fails in the hooks' trigger; with OR REPLACE or
 *       OR FAIL in a transaction, SQLite keeps what it had done until then.
 * </ul>
 */
final class KnownLimit {
  private KnownLimit() {}

  static boolean applies(Outcome plain, Outcome hooked) {
    return hooked.error().contains("nested too deep")
        || (hooked.error().contains("SQLITE_CONSTRAINT_DATATYPE")
            && !plain.error().equals(hooked.error()));
  }
}
