package dev.marmot.sqlite.doctor;

import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.OtherReplicators;
import dev.marmot.sqlite.schema.Sql;
import dev.marmot.sqlite.schema.TableSchema;
import dev.marmot.sqlite.schema.TableSchema.KeyColumn;
import dev.marmot.sqlite.schema.TableSchema.KeyKind;
import dev.marmot.sqlite.schema.TableSchema.UserTrigger;
import dev.marmot.sqlite.store.StoreOptions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Looks at the tables one by one. Confined to one thread. */
final class TableCheck {
  private static final int LARGE_BYTES = StoreOptions.DEFAULT_MAX_ROW_BYTES;
  private static final String KEYS = "; see docs/keys.md";

  private final Connection connection;
  private final DatabaseSchema schema;
  private final Findings findings;

  TableCheck(Connection connection, DatabaseSchema schema, Findings findings) {
    this.connection = connection;
    this.schema = schema;
    this.findings = findings;
  }

  void run() throws SQLException {
    schema.refused().forEach(table -> findings.refusal(table.table(), table.reason()));
    othersTables();
    Set<String> autoincrement = autoincrement();
    for (TableSchema table :
        schema.tables().values().stream()
            .sorted(Comparator.comparing(TableSchema::name))
            .toList()) {
      key(table, autoincrement);
      unique(table);
      triggers(table);
    }
  }

  private void othersTables() throws SQLException {
    try (PreparedStatement query =
            connection.prepareStatement(
                "SELECT name FROM main.sqlite_schema WHERE type='table' ORDER BY name");
        ResultSet rows = query.executeQuery()) {
      while (rows.next()) {
        String name = rows.getString(1);
        OtherReplicators.owner(name)
            .ifPresent(
                owner ->
                    findings.note(
                        "table " + name,
                        "it belongs to "
                            + owner
                            + " and says where this one file stands, so it is"
                            + " left out",
                        ""));
      }
    }
  }

  private Set<String> autoincrement() throws SQLException {
    Set<String> names = new HashSet<>();
    try (PreparedStatement query =
            connection.prepareStatement(
                "SELECT name FROM main.sqlite_schema WHERE type='table'"
                    + " AND upper(sql) LIKE '%AUTOINCREMENT%'");
        ResultSet rows = query.executeQuery()) {
      while (rows.next()) {
        names.add(rows.getString(1));
      }
    }
    return names;
  }

  private void key(TableSchema table, Set<String> autoincrement) throws SQLException {
    String subject = "table " + table.name();
    if (table.keyKind() == KeyKind.ROWID) {
      findings.warning(
          subject,
          "it declares no primary key, so the rowid tells its rows apart, and SQLite chooses the"
              + " same rowid on nodes that insert at the same time",
          "declare a key that no two nodes choose alike"
              + KEYS
              + ". Against VACUUM, which would renumber the rows, Marmot adds an empty index");
    } else if (table.keyKind() == KeyKind.ROWID_ALIAS) {
      findings.warning(
          subject,
          "its INTEGER PRIMARY KEY"
              + (autoincrement.contains(table.name()) ? " AUTOINCREMENT" : "")
              + " is chosen as the largest plus one: nodes that insert at the same time choose the"
              + " same key, and one of the two rows goes to the conflict log",
          "let SQLite choose keys at random, or insert into this table on one node only" + KEYS);
    }
    if (table.keyKind() == KeyKind.DECLARED) {
      nullKeys(table, subject);
    }
    largeRows(table, subject);
  }

  /** Where all nodes begin with them they are no trouble, but a change of them is not sent. */
  private void largeRows(TableSchema table, String subject) throws SQLException {
    List<String> columns = new ArrayList<>(table.columns());
    table.key().forEach(column -> columns.add(column.name()));
    if (columns.isEmpty()) {
      return;
    }
    // One large value is the usual case; a sum over many columns would be slow to compute.
    String largest =
        columns.stream()
            .map(name -> "octet_length(" + Sql.quote(name) + ")>" + LARGE_BYTES)
            .collect(Collectors.joining(" OR "));
    String sql = "SELECT count(*) FROM main." + Sql.quote(table.name()) + " WHERE " + largest;
    try (PreparedStatement query = connection.prepareStatement(sql);
        ResultSet rows = query.executeQuery()) {
      if (rows.next() && rows.getLong(1) > 0) {
        findings.warning(
            subject,
            rows.getLong(1)
                + " rows have values of more than "
                + LARGE_BYTES
                + " bytes: changes of them are not sent",
            "keep large values in files, or raise --max-row-bytes and the heap on all nodes");
      }
    }
  }

  private void unique(TableSchema table) {
    if (!table.uniqueIndexes().isEmpty()) {
      findings.note(
          "table " + table.name(),
          "where two nodes give its UNIQUE columns the same values at the same time, the row that"
              + " is ordered last stays, and the other goes to the conflict log",
          "look into marmot conflicts");
    }
  }

  private void nullKeys(TableSchema table, String subject) throws SQLException {
    String anyNull =
        table.key().stream()
            .map(KeyColumn::name)
            .map(name -> Sql.quote(name) + " IS NULL")
            .collect(Collectors.joining(" OR "));
    String sql = "SELECT count(*) FROM main." + Sql.quote(table.name()) + " WHERE " + anyNull;
    try (PreparedStatement query = connection.prepareStatement(sql);
        ResultSet rows = query.executeQuery()) {
      if (rows.next() && rows.getLong(1) > 0) {
        findings.warning(
            subject,
            rows.getLong(1) + " rows have NULL in the primary key and do not replicate",
            "give them a key, and declare its columns NOT NULL");
      }
    }
  }

  private void triggers(TableSchema table) {
    for (UserTrigger trigger : table.userTriggers()) {
      findings.note(
          "table " + table.name(),
          trigger.runsOnReplicas()
              ? "its trigger " + trigger.name() + " keeps a search index and runs on every node"
              : "its trigger "
                  + trigger.name()
                  + " runs where the application writes; its effects replicate as rows",
          "");
      trigger
          .cautions()
          .forEach(
              caution ->
                  findings.warning(
                      "table " + table.name(),
                      "its trigger " + trigger.name() + " " + caution,
                      ""));
    }
  }
}
