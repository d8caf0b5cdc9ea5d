package dev.marmot.node;

import dev.marmot.node.config.Address;
import dev.marmot.node.config.NodeConfig;
import dev.marmot.node.identity.NodeDirectory;
import dev.marmot.raft.ratis.RatisNode;
import dev.marmot.sqlite.hooks.Cleanup;
import dev.marmot.sqlite.hooks.DatabaseFile;
import dev.marmot.sqlite.hooks.DatabaseFileException;
import dev.marmot.sqlite.hooks.DatabaseLock;
import dev.marmot.sqlite.store.Adoption;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a start takes for itself before it changes anything: the SQLite file, the port, the
 * directory. A start that fails gives everything back as it was, so that the next one, with the
 * right options, finds no trace of it. Confined to the thread that opens and closes the node.
 */
final class Claim implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Claim.class);
  private static final Duration LOCK_WAIT = Duration.ofSeconds(5);

  private final Path database;
  private final DatabaseLock lock;
  private final NodeDirectory directory;
  private final List<Path> created;
  private final boolean newDirectory;
  private final boolean cleanFile;
  private boolean begun;

  private Claim(
      Path database,
      DatabaseLock lock,
      NodeDirectory directory,
      List<Path> created,
      boolean newDirectory,
      boolean cleanFile) {
    this.database = database;
    this.lock = lock;
    this.directory = directory;
    this.created = List.copyOf(created);
    this.newDirectory = newDirectory;
    this.cleanFile = cleanFile;
  }

  /**
   * Takes everything, or nothing.
   *
   * @throws IOException when the node cannot start; the message says why
   */
  static Claim of(NodeConfig config) throws IOException {
    Path database = config.database();
    Path path = config.raft().directory();
    boolean there = Files.exists(database);
    if (!there && config.raft().join().isEmpty() && !Files.exists(path.resolve("identity"))) {
      throw new IOException(
          "cannot open %s: there is no such file; let the application create it, or check the path"
              .formatted(database));
    }
    Address bind = config.raft().bind();
    RatisNode.checkPort(bind.host(), bind.port());
    DatabaseLock lock = DatabaseLock.take(database, "node " + config.self().value());
    List<Path> created = missing(path);
    try {
      boolean newDirectory = created.contains(path) || isEmpty(path);
      boolean cleanFile = there && !Adoption.isReplicated(database);
      return new Claim(database, lock, NodeDirectory.open(path), created, newDirectory, cleanFile);
    } catch (IOException | RuntimeException e) {
      created.forEach(Claim::deleteEmpty);
      lock.undo();
      throw e;
    }
  }

  /** The directories that will be made, the innermost first. */
  private static List<Path> missing(Path path) {
    List<Path> missing = new ArrayList<>();
    for (Path each = path; each != null && !Files.exists(each); each = each.getParent()) {
      missing.add(each);
    }
    return missing;
  }

  NodeDirectory directory() {
    return directory;
  }

  /** The node takes part: what it was made of stays, whatever happens. */
  void begun() {
    begun = true;
  }

  @Override
  public void close() {
    directory.close();
    if (begun) {
      lock.close();
      return;
    }
    try {
      giveBack();
    } finally {
      lock.undo();
    }
  }

  private void giveBack() {
    if (newDirectory) {
      deleteTree(directory.path());
    }
    created.forEach(Claim::deleteEmpty);
    if (cleanFile) {
      try {
        var unused = new Cleanup(new DatabaseFile(database, LOCK_WAIT)).run();
      } catch (DatabaseFileException e) {
        // It binds the next start to nothing.
        log.atWarn()
            .addKeyValue("reason", e.getMessage())
            .log("Marmot's tables stay in the file of the start that failed");
      }
    }
  }

  private static boolean isEmpty(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.findAny().isEmpty();
    }
  }

  private static void deleteTree(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot remove %s, which the start that failed made: %s; remove it by hand"
              .formatted(directory, e),
          e);
    }
  }

  private static void deleteEmpty(Path directory) {
    java.io.File file = directory.toFile();
    String[] children = file.list();
    if (children != null && children.length == 0 && !file.delete()) {
      log.atWarn().addKeyValue("directory", directory).log("an empty directory stays");
    }
  }
}
