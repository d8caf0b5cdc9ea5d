package dev.marmot.node.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Where the demonstration keeps its files. Immutable.
 *
 * @param temporary whether it may be deleted at the end
 */
record DemoLayout(Path directory, boolean temporary) {
  static final String LOG = "node.log";

  /**
   * Makes a directory; one that is given must be empty, so that nothing of the user's is touched.
   */
  static DemoLayout create(Optional<Path> given) throws IOException {
    if (given.isEmpty()) {
      return new DemoLayout(Files.createTempDirectory("marmot-demo-"), true);
    }
    Path directory = Files.createDirectories(given.get().toAbsolutePath().normalize());
    try (Stream<Path> entries = Files.list(directory)) {
      if (entries.findAny().isPresent()) {
        throw new IllegalStateException(
            "cannot use " + directory + ": it is not empty; choose an empty or new directory");
      }
    }
    return new DemoLayout(directory, false);
  }

  Path nodeDirectory(int node) {
    return directory.resolve("n" + node);
  }

  Path database(int node) {
    return nodeDirectory(node).resolve("shop.db");
  }

  Path log(int node) {
    return nodeDirectory(node).resolve(LOG);
  }

  void deleteIfTemporary() throws IOException {
    if (!temporary) {
      return;
    }
    List<Path> deepestFirst;
    try (Stream<Path> walk = Files.walk(directory)) {
      deepestFirst = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : deepestFirst) {
      Files.deleteIfExists(path);
    }
  }
}
