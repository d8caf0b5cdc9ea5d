package dev.marmot.sqlite.schema;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.schema.DatabaseSchema.RefusedTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every refusal of a table, its exact words, and its row in docs/limits.md. */
class RefusalsTest {
  private static final String SCHEMA =
      """
      CREATE TABLE hidden(rowid, _rowid_, oid);
      CREATE TABLE nulls(k TEXT PRIMARY KEY, v);
      INSERT INTO nulls VALUES(NULL, 1);
      CREATE TABLE audit(x);
      CREATE VIRTUAL TABLE ft USING fts5(x);
      CREATE TABLE mixed(a);
      CREATE TRIGGER mixed_i AFTER INSERT ON mixed
        BEGIN INSERT INTO ft VALUES(1); INSERT INTO audit VALUES(1); END;
      CREATE TABLE calculated(a);
      CREATE TABLE collated(a);
      CREATE TABLE located(a);
      CREATE TABLE geo_node(a);
      CREATE TABLE __marmot_notes(a);
      PRAGMA writable_schema=ON;
      INSERT INTO sqlite_schema
        VALUES('table','geo','geo',0,'CREATE VIRTUAL TABLE geo USING nomodule(a)');
      UPDATE sqlite_schema SET sql='CREATE TABLE calculated(a, g AS (nofunction(a)))'
        WHERE name='calculated';
      UPDATE sqlite_schema SET sql='CREATE TABLE collated(a COLLATE german)' WHERE name='collated';
      CREATE INDEX collated_a ON collated(a);
      CREATE TRIGGER located_i AFTER INSERT ON located BEGIN INSERT INTO geo VALUES(1); END;
      """;

  @TempDir Path directory;

  private String reason(String table) throws SQLException {
    String url = "jdbc:sqlite:" + directory.resolve("app.db");
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      statement.executeUpdate(SCHEMA);
    }
    try (Connection connection = DriverManager.getConnection(url)) {
      return new SchemaReader()
          .read(connection).refused().stream()
              .filter(refused -> refused.table().equals(table))
              .map(RefusedTable::reason)
              .findFirst()
              .orElse("is not refused");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
"""
hidden | it declares no primary key, and its columns hide all three names of the rowid; rename one of the columns rowid, _rowid_, oid, or declare a primary key
nulls | rows of it have NULL in the primary key column k, so nothing identifies them; give them values and declare it NOT NULL
__marmot_notes | its name begins with __marmot_, as only those of Marmot's own tables may; rename it
ft | it is a virtual table, which can have no triggers, so what the application writes to it stays on this node; fill it by triggers of an ordinary table, or exclude it
mixed | its trigger mixed_i writes a virtual table and an ordinary one, and only the first must happen again on every node; split it into two triggers
collated | index collated_a uses the collation german that only the application knows; use BINARY, NOCASE or RTRIM in indexes
geo_node | it looks like a part of the virtual table geo, whose module Marmot does not have; rename it if it is an ordinary table
located | its trigger located_i writes the virtual table geo, whose module Marmot does not have; exclude the table or drop the trigger
""")
  void refusal_saysWhyAndTheWayOut(String table, String reason) throws SQLException, IOException {
    assertThat(reason(table)).isEqualTo(reason);
    assertThat(limits()).contains(asDocumented(reason));
  }

  private static String limits() throws IOException {
    return Files.readString(Path.of("..", "docs", "limits.md"));
  }

  /** There, the names of this test's objects are placeholders. */
  private static String asDocumented(String reason) {
    return reason
        .replace("mixed_i", "*trigger*")
        .replace("located_i", "*trigger*")
        .replace("collated_a", "*index*")
        .replace("german", "*name*")
        .replace("virtual table geo", "virtual table *name*")
        .replace("column k,", "column *name*,");
  }

  @Test
  void expressionThatOnlyTheApplicationCanCompute_isRefusedWithSqlitesReason() throws SQLException {
    assertThat(reason("calculated"))
        .startsWith("an index or a generated column of it cannot be computed here (")
        .contains("nofunction")
        .endsWith("); use only functions that are built into SQLite");
  }
}
