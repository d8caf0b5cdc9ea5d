package dev.marmot.sqlite.schema;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.schema.DatabaseSchema.RefusedTable;
import dev.marmot.sqlite.schema.TableSchema.KeyColumn;
import dev.marmot.sqlite.schema.TableSchema.KeyKind;
import dev.marmot.sqlite.schema.TableSchema.UniqueIndex;
import dev.marmot.sqlite.schema.TableSchema.UserTrigger;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SchemaReaderTest {
  @TempDir Path directory;
  Connection connection;

  @BeforeEach
  void open() throws SQLException {
    connection = DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("s.db"));
  }

  @AfterEach
  void close() throws SQLException {
    connection.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "CREATE TABLE t(a)|ROWID",
        "CREATE TABLE t(a integer PRIMARY KEY, b)|ROWID_ALIAS",
        "CREATE TABLE t(a INTEGER, PRIMARY KEY(a DESC))|ROWID_ALIAS",
        "CREATE TABLE t(a INTEGER PRIMARY KEY DESC)|DECLARED",
        "CREATE TABLE t(a INT PRIMARY KEY)|DECLARED",
        "CREATE TABLE t(a TEXT PRIMARY KEY)|DECLARED",
        "CREATE TABLE t(a INTEGER, b, PRIMARY KEY(b,a))|DECLARED",
        "CREATE TABLE t(a INTEGER PRIMARY KEY) WITHOUT ROWID|WITHOUT_ROWID",
      })
  void read_keyKinds(String sql, KeyKind kind) throws SQLException {
    assertThat(read(sql).keyKind()).isEqualTo(kind);
  }

  @Test
  void read_keyHasOrderAndCollationOfItsIndex() throws SQLException {
    TableSchema table =
        read(
            "CREATE TABLE t(a, b COLLATE NOCASE, c TEXT COLLATE RTRIM,"
                + " PRIMARY KEY(c, b, a COLLATE NOCASE))");
    assertThat(table.key())
        .containsExactly(
            new KeyColumn("c", "RTRIM"),
            new KeyColumn("b", "NOCASE"),
            new KeyColumn("a", "NOCASE"));
    assertThat(table.columns()).isEmpty();
    assertThat(table.uniqueIndexes()).isEmpty();
  }

  @Test
  void read_generatedColumnsAreLeftOut() throws SQLException {
    TableSchema table =
        read(
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b, v AS (b+1), s AS (b+2) STORED,"
                + " \"we\"\"ird näme\", \"select\")");
    assertThat(table.columns()).containsExactly("b", "we\"ird näme", "select");
  }

  @Test
  void read_rowidNameAvoidsColumns() throws SQLException {
    assertThat(read("CREATE TABLE t(RowID, a)").rowidName()).contains("_rowid_");
    assertThat(read("CREATE TABLE u(rowid, _rowid_, a PRIMARY KEY)", "u").rowidName())
        .contains("oid");
    assertThat(read("CREATE TABLE v(rowid INTEGER PRIMARY KEY)", "v").rowidName())
        .contains("rowid");
    assertThat(read("CREATE TABLE w(id INTEGER PRIMARY KEY,rowid,_rowid_,oid)", "w").rowidName())
        .contains("id");
    assertThat(read("CREATE TABLE x(a PRIMARY KEY) WITHOUT ROWID", "x").rowidName()).isEmpty();
    assertThat(refusal("CREATE TABLE y(rowid,_rowid_,oid)", "y")).contains("rowid");
  }

  @Test
  void read_uniqueIndexes() throws SQLException {
    TableSchema table =
        read(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, \"b,(c\" TEXT, d, e);"
                + "CREATE INDEX plain ON t(d);"
                + "CREATE UNIQUE INDEX u1 ON t(\"b,(c\" COLLATE NOCASE DESC, lower(a || ',)') COLLATE"
                + " RTRIM ASC /* x */, e) -- no\n WHERE d IS NOT 'x)' -- end\n;");
    assertThat(table.uniqueIndexes())
        .containsExactly(
            new UniqueIndex(
                "sqlite_autoindex_t_1",
                List.of(new UniqueIndex.Term("a", false, "BINARY")),
                Optional.empty(),
                List.of("a"),
                List.of()),
            new UniqueIndex(
                "u1",
                List.of(
                    new UniqueIndex.Term("b,(c", false, "NOCASE"),
                    new UniqueIndex.Term("lower(a || ',)') COLLATE RTRIM", true, "RTRIM"),
                    new UniqueIndex.Term("e", false, "BINARY")),
                Optional.of("d IS NOT 'x)'"),
                List.of("a", "b,(c", "d", "e"),
                List.of()));
  }

  @Test
  void read_uniqueGeneratedColumnsDependOnWhatTheyAreComputedFrom() throws SQLException {
    TableSchema table =
        read(
            "CREATE TABLE t(a, b DEFAULT (1+2), h GENERATED ALWAYS AS (\"g)\" || 'h') UNIQUE,"
                + " \"g)\" AS (a + CAST(b AS INT)) STORED, c CHECK(c > 0))");
    assertThat(table.uniqueIndexes())
        .containsExactly(
            new UniqueIndex(
                "sqlite_autoindex_t_1",
                List.of(new UniqueIndex.Term("h", false, "BINARY")),
                Optional.empty(),
                List.of("a", "b"),
                List.of(
                    new UniqueIndex.Computed("g)", "a + CAST(b AS INT)"),
                    new UniqueIndex.Computed("h", "\"g)\" || 'h'"))));
  }

  @Test
  void read_userTriggersInFiringOrderWithTargets() throws SQLException {
    TableSchema table =
        read(
            "CREATE TABLE t(a, begin); CREATE TABLE audit(x); CREATE VIRTUAL TABLE f USING fts5(a);"
                + "CREATE TRIGGER z1 AFTER INSERT ON t BEGIN INSERT INTO F(rowid,a)"
                + " VALUES(new.rowid,'; DELETE FROM audit'); END;"
                + "CREATE TRIGGER a2 AFTER UPDATE ON t WHEN new.begin>1 BEGIN INSERT INTO audit"
                + " VALUES(1) ON CONFLICT DO NOTHING; END;"
                + "CREATE TRIGGER m3 BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT,'no'); END;"
                + "CREATE TRIGGER b4 AFTER DELETE ON t BEGIN SELECT replace('a','b','c');"
                + " UPDATE OR IGNORE \"f\" SET a=CASE 1 WHEN 1 THEN 2 END; DELETE FROM f; END;"
                + "CREATE TRIGGER c5 AFTER DELETE ON t BEGIN DELETE FROM f; SELECT"
                + " RAISE(IGNORE); END;");
    assertThat(table.userTriggers().stream().map(UserTrigger::name))
        .containsExactly("z1", "a2", "m3", "b4", "c5");
    assertThat(table.userTriggers().stream().map(UserTrigger::runsOnReplicas))
        .containsExactly(true, false, false, true, false);
    assertThat(table.userTriggers().get(1).sql())
        .isEqualTo(
            "CREATE TRIGGER a2 AFTER UPDATE ON t WHEN new.begin>1 BEGIN INSERT INTO audit"
                + " VALUES(1) ON CONFLICT DO NOTHING; END");
  }

  @Test
  void read_systemShadowOwnAndVirtualTablesAreNotReplicated() throws SQLException {
    execute(
        "CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT, x); CREATE TABLE __marmot_meta(a);"
            + "CREATE TABLE xxmarmot_y(a); CREATE VIEW v AS SELECT 1; CREATE TABLE skip(a);"
            + "CREATE VIRTUAL TABLE f USING fts5(x); CREATE VIRTUAL TABLE r USING rtree(i,a,b);"
            + "CREATE TRIGGER ai AFTER INSERT ON a BEGIN INSERT INTO f VALUES(new.x); END;");
    DatabaseSchema schema = new SchemaReader(TablePatterns.of(List.of("SKIP"))).read(connection);
    assertThat(schema.tables()).containsOnlyKeys("a", "xxmarmot_y");
    assertThat(schema.refused()).extracting(RefusedTable::table).containsExactly("r");
    assertThat(schema.encoding()).isEqualTo("UTF-8");
    assertThat(schema.version()).isPositive();
  }

  @Test
  void read_refusesWithTheWayOut() throws SQLException {
    execute("CREATE TABLE audit(x); CREATE VIRTUAL TABLE f USING fts5(x);");
    assertThat(refusal("CREATE TABLE n(a TEXT PRIMARY KEY); INSERT INTO n VALUES(NULL)", "n"))
        .contains("NULL")
        .contains("NOT NULL");
    assertThat(
            refusal(
                "CREATE TABLE m(a); CREATE TRIGGER mi AFTER INSERT ON m BEGIN INSERT INTO f"
                    + " VALUES(1); INSERT INTO audit VALUES(1); END",
                "m"))
        .contains("split");
  }

  @Test
  void read_refusesWhatOnlyTheApplicationKnows() throws SQLException {
    execute(
        "CREATE TABLE c(a); CREATE TABLE e(a); CREATE TABLE k(a); CREATE TABLE geo_node(a);"
            + "PRAGMA writable_schema=ON;"
            + "INSERT INTO sqlite_schema VALUES('table','geo','geo',0,"
            + "'CREATE VIRTUAL TABLE geo USING nomodule(a)');"
            + "UPDATE sqlite_schema SET sql='CREATE TABLE c(a, g AS (nofunction(a)))' WHERE name='c';"
            + "UPDATE sqlite_schema SET sql='CREATE TABLE k(a COLLATE german)' WHERE name='k';"
            + "CREATE INDEX ki ON k(a);"
            + "CREATE TRIGGER et AFTER INSERT ON e BEGIN INSERT INTO geo VALUES(1); END;");
    connection.close();
    open();
    DatabaseSchema schema = new SchemaReader().read(connection);
    assertThat(schema.tables()).isEmpty();
    assertThat(schema.refused())
        .extracting(RefusedTable::table)
        .containsExactlyInAnyOrder("c", "e", "k", "geo", "geo_node");
  }

  @Test
  void read_insideAndOutsideATransaction() throws SQLException {
    execute("CREATE TABLE t(a); BEGIN IMMEDIATE; CREATE TABLE u(a)");
    assertThat(new SchemaReader().read(connection).tables()).containsOnlyKeys("t", "u");
    execute("ROLLBACK");
    assertThat(new SchemaReader().read(connection).tables()).containsOnlyKeys("t");
  }

  private TableSchema read(String sql) throws SQLException {
    return read(sql, "t");
  }

  private TableSchema read(String sql, String table) throws SQLException {
    execute(sql);
    DatabaseSchema schema = new SchemaReader().read(connection);
    assertThat(schema.tables()).containsKey(table);
    return java.util.Objects.requireNonNull(schema.tables().get(table));
  }

  private String refusal(String sql, String table) throws SQLException {
    execute(sql);
    return new SchemaReader()
        .read(connection).refused().stream()
            .filter(r -> r.table().equals(table))
            .map(RefusedTable::reason)
            .findFirst()
            .orElse("");
  }

  private void execute(String sql) throws SQLException {
    try (var statement = connection.createStatement()) {
      statement.executeUpdate(sql);
    }
  }
}
