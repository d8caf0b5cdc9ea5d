package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ApplyTransaction.Held;
import dev.marmot.sqlite.AsideCounts;
import dev.marmot.sqlite.Conflict;
import dev.marmot.sqlite.HeldRow;
import dev.marmot.sqlite.LoggedConflict;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.codec.ChangeSetCodec;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.function.Predicate;

/** Reads for an operator what {@link SetAside} keeps. Pure functions of a connection. */
final class AsideReader {
  private AsideReader() {}

  /** Entries with a larger id, oldest first, until the caller has enough. */
  static void conflicts(Connection connection, long after, Predicate<LoggedConflict> goOn)
      throws SQLException {
    try (Query query =
        new Query(
            connection,
            "SELECT id,time,losing_origin,winning_origin,position,reason,image"
                + " FROM main.__marmot_conflict WHERE id>?1 ORDER BY id")) {
      query
          .bind(1, after)
          .whileTrue(
              row ->
                  goOn.test(
                      new LoggedConflict(
                          row.number(0),
                          row.number(1),
                          new Conflict(
                              image(row.bytes(6)),
                              (int) row.number(2),
                              (int) row.number(3),
                              row.number(4),
                              Conflict.Reason.valueOf(row.text(5))))));
    }
  }

  /** Held rows with a larger id, oldest first, until the caller has enough. */
  static void held(Connection connection, long after, Predicate<HeldRow> goOn) throws SQLException {
    try (Query query =
        new Query(
            connection,
            "SELECT rowid,image,origin,reason,time FROM main.__marmot_held WHERE rowid>?1"
                + " ORDER BY rowid")) {
      query
          .bind(1, after)
          .whileTrue(
              row ->
                  goOn.test(
                      new HeldRow(
                          row.number(4),
                          new Held(
                              row.number(0),
                              image(row.bytes(1)),
                              (int) row.number(2),
                              row.text(3)))));
    }
  }

  private static RowImage image(byte[] frame) {
    return ChangeSetCodec.decode(frame).get(0);
  }

  /** The ids of the conflict log have no gaps, so its ends tell its length at no cost. */
  static AsideCounts counts(Connection connection) throws SQLException {
    AsideCounts[] counts = new AsideCounts[1];
    try (Query query =
        new Query(
            connection,
            "SELECT (SELECT min(id) FROM main.__marmot_conflict),"
                + "(SELECT max(id) FROM main.__marmot_conflict),"
                + "(SELECT count(*) FROM main.__marmot_held),"
                + "(SELECT count(*) FROM main.__marmot_parked)")) {
      query.forEach(
          row ->
              counts[0] =
                  new AsideCounts(
                      row.isNull(0) ? 0 : row.number(1) - row.number(0) + 1,
                      row.number(1),
                      row.number(2),
                      row.number(3)));
    }
    return counts[0];
  }
}
