package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** Files whose tables are declared differently change values on their way: that is told. */
final class DeclarationsTest extends WithReplicas {
  @Test
  void differences_nameTableColumnAndBothDeclarations() throws SQLException {
    Replica a =
        open(
            1,
            "CREATE TABLE member(id INTEGER PRIMARY KEY, zip TEXT, since)",
            "CREATE TABLE only_here(id INTEGER PRIMARY KEY)");
    Replica b =
        open(2, "CREATE TABLE Member(ID INTEGER PRIMARY KEY, Since, Zip INTEGER NOT NULL, more)");
    a.run("INSERT INTO member VALUES(1,'0049',NULL)");

    assertThat(a.store.declarations().differences(b.store.declarations(), "node 2"))
        .containsExactly(
            "table member: column more is missing here and without a type on node 2: values may"
                + " change on their way or be held; make the declarations equal",
            "table member: column zip is TEXT here and INTEGER NOT NULL on node 2: values may change"
                + " on their way or be held; make the declarations equal",
            "table only_here replicates here and not on node 2: rows for it are held where it does"
                + " not");
  }

  @Test
  void digest_isThatOfTheDeclarations_whateverTheirOrder() throws SQLException {
    Replica a = open(1, "CREATE TABLE t(a INTEGER PRIMARY KEY, b varchar(9))", "CREATE TABLE u(x)");
    Replica b = open(2, "CREATE TABLE u(x)", "CREATE TABLE T(B VARCHAR(9), A INTEGER PRIMARY KEY)");
    assertThat(a.store.declarations()).isEqualTo(b.store.declarations());
    assertThat(a.store.declarations().digest()).isEqualTo(b.store.declarations().digest());

    b.run("ALTER TABLE u ADD COLUMN y");
    assertThat(b.store.declarations().digest()).isNotEqualTo(a.store.declarations().digest());
    assertThat(a.store.declarations().differences(b.store.declarations(), "node 2")).hasSize(1);
  }
}
