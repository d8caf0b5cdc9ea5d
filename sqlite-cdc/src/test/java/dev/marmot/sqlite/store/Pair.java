package dev.marmot.sqlite.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.stream.Stream;

/** Two replicas of one schema, the first of which writes. Confined to its test. */
final class Pair implements AutoCloseable {
  final Replica a;
  final Replica b;

  Pair(Path directory, String... schema) throws SQLException {
    this.a = Replica.open(directory, 1, schema);
    this.b = Replica.open(directory, 2, schema);
  }

  /** Runs the statements on the first replica; after each, both hold the same rows, bit for bit. */
  Pair write(String... statements) throws SQLException {
    for (String sql : statements) {
      a.run(sql);
      a.publish(b);
      assertEqual(sql);
    }
    return this;
  }

  /** The same, with all statements in one change set. */
  Pair together(String... statements) throws SQLException {
    a.run(statements);
    a.publish(b);
    assertEqual(String.join("; ", statements));
    return this;
  }

  /** What a query gives on both. */
  String query(String sql) throws SQLException {
    String rows = b.query(sql);
    assertThat(a.query(sql)).as(sql).isEqualTo(rows);
    return rows;
  }

  void assertEqual(String after) throws SQLException {
    assertThat(b.store.digests()).as(after).isEqualTo(a.store.digests());
    assertThat(b.capture()).as("echo after " + after).isEmpty();
    assertThat(Stream.of(a, b).flatMap(r -> r.store.warnings().stream())).as(after).isEmpty();
  }

  /** Names of columns c1 to cN with a prefix and suffix each, for wide tables. */
  static String columns(int count, String prefix, String suffix) {
    String[] names = new String[count];
    Arrays.setAll(names, i -> prefix + (i + 1) + suffix);
    return String.join(", ", names);
  }

  @Override
  public void close() throws SQLException {
    a.close();
    b.close();
  }
}
