package dev.marmot.node.replication;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IndexOrderTest {
  private static final String[] SCHEMA = {
    "CREATE TABLE author(id INTEGER PRIMARY KEY, name)",
    "CREATE TABLE book(id INTEGER PRIMARY KEY, author, title)",
    "CREATE VIRTUAL TABLE ft USING fts5(text)",
    "CREATE TRIGGER bi AFTER INSERT ON book BEGIN INSERT INTO ft(rowid,text)"
        + " SELECT new.id, name||' '||new.title FROM author WHERE id=new.author; END"
  };

  @TempDir Path directory;

  /** In the change set the author comes last, because it was written once more. */
  @Test
  void rowsOfATableWhoseIndexReadsAnother_areWrittenAfterThatOne() throws SQLException {
    try (Side one = Side.open(directory, 1, SCHEMA);
        Side two = Side.open(directory, 2, SCHEMA)) {
      one.run(
          "INSERT INTO author VALUES(1,'Kafka')",
          "INSERT INTO book VALUES(1,1,'Amerika')",
          "UPDATE author SET id=1");
      one.publish(two);
      String found = "SELECT rowid FROM ft('kafka')";
      assertThat(one.query(found)).isEqualTo("1");
      assertThat(two.query(found)).isEqualTo("1");
    }
  }
}
