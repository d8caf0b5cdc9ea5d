package dev.marmot.node.simulation;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real store and the real hooks in the simulation: they answer as the memory store does. */
final class TwinTest {
  private static final int SCHEDULES = Integer.getInteger("twins", 12);

  @Test
  void schedules_onSqliteFiles_sameAsInMemory(@TempDir Path directory) {
    for (long seed = 0; seed < SCHEDULES; seed++) {
      Schedule schedule = Schedule.of(seed, 300);
      Path files = directory.resolve("seed" + seed);
      if (!files.toFile().mkdir()) {
        throw new IllegalStateException("cannot make " + files);
      }
      long failing = seed;
      Trial.withTwins(schedule, files)
          .failure()
          .ifPresent(
              failure -> {
                throw new AssertionError("seed " + failing + " differs on SQLite files", failure);
              });
    }
  }
}
