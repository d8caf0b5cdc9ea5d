package dev.marmot.sqlite.store;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** A test that opens replicas by number; they are closed after it. */
abstract class WithReplicas {
  @TempDir Path directory;
  private final List<Replica> opened = new ArrayList<>();

  final Replica open(int node, String... schema) throws SQLException {
    Replica replica = Replica.open(directory, node, schema);
    opened.add(replica);
    return replica;
  }

  @AfterEach
  final void closeReplicas() throws SQLException {
    for (Replica replica : opened) {
      replica.close();
    }
  }
}
