package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.RowKey;
import dev.marmot.sqlite.SqliteValue;
import dev.marmot.sqlite.store.TableReader.StoredRow;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a transaction remembers of the rows that it read is what the file holds. */
class RowsReadTest {
  private static final String SCHEMA =
      "CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY, e UNIQUE)";

  @TempDir Path directory;

  @Test
  void stored_afterWritesUnderEqualKeys_isTheNewRow() throws SQLException {
    try (Replica replica = Replica.open(directory, 1, SCHEMA)) {
      RowImage upper = image(replica, "INSERT INTO t VALUES('A',1)");
      RowImage lower = image(replica, "UPDATE t SET k='a', e=2");
      replica.run("DELETE FROM t");
      try (ApplyTransaction transaction = replica.store.begin()) {
        assertThat(transaction.stored(upper)).isEmpty();
        transaction.write(upper);
        assertThat(transaction.stored(lower).orElseThrow().sameContent(upper)).isTrue();
        transaction.write(lower);
        assertThat(transaction.stored(upper).orElseThrow().sameContent(lower)).isTrue();
        transaction.delete(upper);
        assertThat(transaction.stored(lower)).isEmpty();
      }
    }
  }

  @Test
  void colliders_ofRowThatIsReadAndThenGone_areFound() throws SQLException {
    try (Replica replica = Replica.open(directory, 1, SCHEMA)) {
      RowImage other = image(replica, "INSERT INTO t VALUES('b',1)");
      replica.run("DELETE FROM t");
      RowImage own = image(replica, "INSERT INTO t VALUES('a',1)");
      try (ApplyTransaction transaction = replica.store.begin()) {
        transaction.vacate(own);
        assertThat(transaction.colliders(own)).isEmpty();
        transaction.delete(own);
        transaction.write(other);
        assertThat(transaction.colliders(own)).hasSize(1);
        transaction.delete(other);
        transaction.write(own);
        assertThat(transaction.stored(own)).isPresent();
        assertThat(transaction.colliders(other)).hasSize(1);
      }
    }
  }

  @Test
  void tooMuch_isForgottenNotKept() {
    RowsRead read = new RowsRead();
    List<SqliteValue> large = List.of(new SqliteValue.Blob(new byte[5 << 20]));
    read.put(key(1), new StoredRow(List.of(), large, 0));
    read.put(key(2), null);
    assertThat(read.get(key(1))).isPresent();
    assertThat(read.get(key(2))).isEqualTo(Optional.empty());
    read.put(key(3), new StoredRow(List.of(), large, 0));
    assertThat(read.get(key(1))).isNull();
    assertThat(read.get(key(3))).isNull();
    read.put(key(4), null);
    assertThat(read.get(key(4))).isEqualTo(Optional.empty());
    read.forget(key(4));
    assertThat(read.get(key(4))).isNull();
  }

  private static RowKey key(int number) {
    return new RowKey("t", new byte[] {(byte) number});
  }

  /** The newest change of the application. */
  private static RowImage image(Replica replica, String sql) throws SQLException {
    replica.run(sql);
    List<RowImage> rows =
        replica.store.capture(replica.store.newestSeq() - 1, Replica.ALL).orElseThrow().rows();
    return rows.get(rows.size() - 1);
  }
}
