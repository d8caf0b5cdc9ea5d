package dev.marmot.sqlite.sample;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What some tables hold, by value and storage class. Immutable. */
public record ContentDigest(long rows, String sha256) {
  /** Reads the tables at one moment, rows in the order of all their columns. */
  static ContentDigest of(Connection connection, List<String> tables) throws SQLException {
    MessageDigest digest = newDigest();
    long rows = 0;
    try (Statement statement = connection.createStatement()) {
      statement.execute("BEGIN");
      for (String table : tables) {
        digest.update(table.getBytes(StandardCharsets.UTF_8));
        rows += add(digest, statement, table);
      }
      statement.execute("COMMIT");
    }
    return new ContentDigest(rows, HexFormat.of().formatHex(digest.digest()));
  }

  private static long add(MessageDigest digest, Statement statement, String table)
      throws SQLException {
    long rows = 0;
    try (ResultSet row = statement.executeQuery(query(statement, table))) {
      while (row.next()) {
        rows++;
        digest.update(row.getString(1).getBytes(StandardCharsets.UTF_8));
        digest.update((byte) '\n');
      }
    }
    return rows;
  }

  /** {@code quote} tells texts, numbers, blobs and NULL apart; {@code typeof} 1 from 1.0. */
  private static String query(Statement statement, String table) throws SQLException {
    int columns;
    try (ResultSet shape = statement.executeQuery("SELECT * FROM " + table + " LIMIT 0")) {
      columns = shape.getMetaData().getColumnCount();
    }
    String names =
        IntStream.rangeClosed(1, columns).mapToObj(i -> "c" + i).collect(Collectors.joining(", "));
    String text =
        IntStream.rangeClosed(1, columns)
            .mapToObj(i -> "typeof(c" + i + ") || quote(c" + i + ")")
            .collect(Collectors.joining(" || ',' || "));
    return "WITH t("
        + names
        + ") AS (SELECT * FROM "
        + table
        + ") SELECT "
        + text
        + " FROM t ORDER BY "
        + names;
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("cannot compare contents: no SHA-256 in this Java", e);
    }
  }
}
