package dev.marmot.sqlite;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The table of cases in docs/cases.md names tests that exist. */
final class CasesTableTest {
  private static final Path ROOT = Path.of("..");
  private static final Pattern NAMED = Pattern.compile("`([A-Z]\\w+(?:Test|IT))\\.(\\w+)`");
  private static final Pattern NUMBERED =
      Pattern.compile("(?m)^\\| (\\d+) \\|.*`\\w+\\.\\w+` \\|$");

  @Test
  void everyNamedTestExists() throws IOException {
    Map<String, String> sources = testSources();
    List<String> missing = new ArrayList<>();
    Matcher named = NAMED.matcher(table());
    int count = 0;
    while (named.find()) {
      count++;
      String source = sources.getOrDefault(named.group(1), "");
      if (!source.contains("void " + named.group(2) + "(")) {
        missing.add(named.group());
      }
    }
    assertThat(missing).isEmpty();
    assertThat(count).isGreaterThan(60);
  }

  @Test
  void allThirtyTestsAreNamed() throws IOException {
    String table = table();
    String thirty = table.substring(table.indexOf("## Thirty tests"));
    List<String> numbers =
        NUMBERED.matcher(thirty).results().map(row -> row.group(1)).distinct().toList();
    assertThat(numbers)
        .containsExactlyElementsOf(IntStream.rangeClosed(1, 30).mapToObj(String::valueOf).toList());
  }

  private static String table() throws IOException {
    return Files.readString(ROOT.resolve("docs/cases.md"));
  }

  private static Map<String, String> testSources() throws IOException {
    Map<String, String> sources = new HashMap<>();
    for (String module : List.of("raft-core", "sqlite-cdc", "node")) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src/test/java"))) {
        for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
          String name = file.getFileName().toString().replace(".java", "");
          sources.put(name, Files.readString(file));
        }
      }
    }
    return sources;
  }
}
