package dev.marmot.sqlite.property;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The long run of scripts/properties; surefire does not take it by itself. */
final class LongProperties {
  private static final int MOST_FAILURES = 10;

  @Test
  void run(@TempDir Path directory) throws Exception {
    long end = System.nanoTime() + Duration.ofMinutes(Long.getLong("minutes", 10)).toNanos();
    long first = Long.getLong("from", System.currentTimeMillis());
    List<String> failures = new ArrayList<>();
    long seed = first;
    while (System.nanoTime() < end && failures.size() < MOST_FAILURES) {
      Optional<String> failure = Seeds.failure(seed++, directory);
      failure.ifPresent(System.out::println);
      failure.ifPresent(failures::add);
    }
    System.out.printf("%d seeds from %d, %d failed%n", seed - first, first, failures.size());
    assertThat(failures).isEmpty();
  }
}
