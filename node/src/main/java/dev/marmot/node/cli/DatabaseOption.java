package dev.marmot.node.cli;

import dev.marmot.node.control.ControlException;
import dev.marmot.node.control.ControlException.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The SQLite file of a command, as an option or as a word. Confined to the main thread. */
final class DatabaseOption {
  @Parameters(arity = "0..1", paramLabel = "FILE", description = "The SQLite file.")
  private @Nullable String word;

  @Option(names = "--db-path", paramLabel = "FILE", description = "The same.")
  private @Nullable String option;

  /** The file, which exists. */
  Path file() {
    return existing(
        one("db-path", Optional.ofNullable(option), Optional.ofNullable(word)).orElse(""));
  }

  static Path existing(String given) {
    if (given.isEmpty() || !Files.isRegularFile(Path.of(given))) {
      throw new ControlException(
          Kind.INVALID,
          "db-path: must be an existing SQLite file (got "
              + (given.isEmpty() ? "nothing" : given)
              + ")");
    }
    return Path.of(given).toAbsolutePath().normalize();
  }

  /** What was given as an option, as a word, or as both, if they mean the same file. */
  static Optional<String> one(String name, Optional<String> option, Optional<String> word) {
    if (option.isPresent()
        && word.isPresent()
        && !Path.of(option.get())
            .toAbsolutePath()
            .normalize()
            .equals(Path.of(word.get()).toAbsolutePath().normalize())) {
      throw new ControlException(
          Kind.INVALID,
          "%s: is given twice, as %s and as %s; give one of them"
              .formatted(name, option.get(), word.get()));
    }
    return option.or(() -> word);
  }
}
