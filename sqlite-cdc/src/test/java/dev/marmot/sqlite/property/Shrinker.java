package dev.marmot.sqlite.property;

import dev.marmot.sqlite.property.Plan.Step;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Leaves out what a failing plan does not need to fail in the same way. Confined to one thread. */
final class Shrinker {
  private static final long MOST_NANOS = 30_000_000_000L;

  private final Path directory;
  private final String kind;
  private final long deadline = System.nanoTime() + MOST_NANOS;

  Shrinker(Path directory, String failure) {
    this.directory = directory;
    this.kind = kind(failure);
  }

  Plan shrink(Plan failing) {
    Plan plan = failing;
    int size = -1;
    while (size != plan.steps().size() + plan.schema().size()) {
      size = plan.steps().size() + plan.schema().size();
      for (int part = Math.max(1, plan.steps().size() / 2); part > 0; part /= 2) {
        plan = steps(plan, part);
      }
      plan = schema(plan);
    }
    return plan;
  }

  private Plan steps(Plan from, int part) {
    Plan plan = from;
    int at = 0;
    while (at < plan.steps().size()) {
      List<Step> fewer = new ArrayList<>(plan.steps());
      fewer.subList(at, Math.min(at + part, fewer.size())).clear();
      Plan smaller = plan.with(plan.schema(), fewer);
      if (fails(smaller)) {
        plan = smaller;
      } else {
        at += part;
      }
    }
    return plan;
  }

  private Plan schema(Plan from) {
    Plan plan = from;
    for (int i = plan.schema().size() - 1; i >= 0; i--) {
      List<String> fewer = new ArrayList<>(plan.schema());
      fewer.remove(i);
      Plan smaller = plan.with(fewer, plan.steps());
      if (fails(smaller)) {
        plan = smaller;
      }
    }
    return plan;
  }

  private boolean fails(Plan plan) {
    if (System.nanoTime() > deadline) {
      return false;
    }
    try {
      Optional<String> failure = Trial.failure(plan, directory);
      return failure.isPresent() && kind(failure.get()).equals(kind);
    } catch (SQLException | IOException e) {
      // The schema no longer holds together.
      return false;
    }
  }

  private static String kind(String failure) {
    String[] words = failure.split("[ \n]", 3);
    return words[0] + (words.length > 1 ? words[1] : "");
  }
}
