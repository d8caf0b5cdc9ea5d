package dev.marmot.sqlite.property;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Optional;

/** Runs seeds and tells what fails, so that it can be repeated. Pure but for its files. */
final class Seeds {
  private Seeds() {}

  /** What went wrong with a seed: seed, failure, shrunk plan; empty when nothing did. */
  static Optional<String> failure(long seed, Path directory) throws SQLException, IOException {
    Plan plan = Plan.of(seed);
    Optional<String> failure = Trial.failure(plan, directory);
    if (failure.isEmpty()) {
      return Optional.empty();
    }
    Plan shrunk = new Shrinker(directory, failure.get()).shrink(plan);
    String last = Trial.failure(shrunk, directory).orElse(failure.get());
    return Optional.of("seed=" + seed + "\n" + last + "\n" + shrunk.text());
  }
}
