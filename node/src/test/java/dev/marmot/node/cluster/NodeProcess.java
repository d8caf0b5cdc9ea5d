package dev.marmot.node.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One node as a process of its own. Confined to the test's thread, but for {@link #ready}. */
final class NodeProcess {
  private static final HttpClient HTTP =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

  private static final List<String> LAUNCHER = launcher();

  private final int id;
  private final Path directory;
  private final int panePort;
  private final List<String> options;
  private @Nullable Process process;

  NodeProcess(int id, Path directory, int panePort, List<String> options) {
    this.id = id;
    this.directory = directory;
    this.panePort = panePort;
    this.options = List.copyOf(options);
  }

  int id() {
    return id;
  }

  /** The same node with one more option, not started. */
  NodeProcess with(String option) {
    List<String> changed = new ArrayList<>(options);
    changed.removeIf(o -> o.startsWith(option.substring(0, option.indexOf('=') + 1)));
    changed.add(option);
    return new NodeProcess(id, directory, panePort, changed);
  }

  /** The same node, told to join the cluster of another one instead of beginning one. */
  NodeProcess joining(NodeProcess member) {
    List<String> changed = new ArrayList<>(options);
    changed.removeIf(option -> option.startsWith("--bootstrap="));
    changed.add("--join=" + member.option("bind"));
    return new NodeProcess(id, directory, panePort, changed);
  }

  /** The same node, which takes the place of its former self, however recently that was heard. */
  NodeProcess replacing(NodeProcess member) {
    List<String> changed = new ArrayList<>(joining(member).options);
    changed.add("--replace");
    return new NodeProcess(id, directory, panePort, changed);
  }

  /** The same node, told to wait until somebody says which cluster to join. */
  NodeProcess following() {
    List<String> changed = new ArrayList<>(options);
    changed.removeIf(option -> option.startsWith("--join="));
    changed.add("--follow");
    return new NodeProcess(id, directory, panePort, changed);
  }

  /** What an option says. */
  String option(String name) {
    String start = "--" + name + "=";
    return options.stream()
        .filter(option -> option.startsWith(start))
        .findFirst()
        .orElseThrow()
        .substring(start.length());
  }

  Path directory() {
    return directory;
  }

  Path database() {
    return directory.resolve("app.db");
  }

  Path log() {
    return directory.resolve("marmot.log");
  }

  int panePort() {
    return panePort;
  }

  void start() {
    List<String> command = new ArrayList<>(LAUNCHER);
    command.add("run");
    command.addAll(options);
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The launcher that users start, with this Java; it becomes the Java process, so that process ids
   * and signals are those of the node.
   */
  static List<String> marmot() {
    return LAUNCHER;
  }

  /** A script of this project with this Java, to be given arguments. */
  static List<String> script(String name) {
    Path script = Path.of("..", "scripts", name).toAbsolutePath().normalize();
    return new ArrayList<>(
        List.of("env", "JAVA_HOME=" + System.getProperty("java.home"), script.toString()));
  }

  private static List<String> launcher() {
    Path jar = Path.of("target", "marmot.jar").toAbsolutePath();
    if (!Files.exists(jar)) {
      throw new IllegalStateException("cannot test: " + jar + " is missing; run `mvn package`");
    }
    List<String> command = List.copyOf(script("marmot"));
    try {
      // Makes the archive of loaded classes, which several nodes would else make at the same time.
      List<String> version = new ArrayList<>(command);
      version.add("--version");
      var unused = Tools.run(version, "");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the launcher prepared", e);
    }
    return command;
  }

  /** kill -9. */
  void kill() {
    Process running = process;
    if (running != null) {
      var unused = running.destroyForcibly().onExit().join();
    }
  }

  /** SIGTERM; returns the exit code. */
  int stop() throws InterruptedException {
    Process running = process;
    if (running == null) {
      throw new IllegalStateException("node " + id + " was not started");
    }
    running.destroy();
    if (!running.waitFor(30, TimeUnit.SECONDS)) {
      throw new IllegalStateException("node " + id + " did not stop within 30 s\n" + logText());
    }
    return running.exitValue();
  }

  /** Waits for the process to end by itself; returns the exit code. */
  int awaitExit(Duration timeout) throws InterruptedException {
    Process running = process;
    if (running == null || !running.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new IllegalStateException(
          "node " + id + " still runs after " + timeout + "\n" + logText());
    }
    return running.exitValue();
  }

  boolean isAlive() {
    Process running = process;
    return running != null && running.isAlive();
  }

  /** Whether {@code /readyz} says so. */
  boolean ready() {
    return status("/readyz") == 200;
  }

  int status(String path) {
    try {
      return get(path).statusCode();
    } catch (IOException e) {
      return 0; // nobody listens yet
    }
  }

  HttpResponse<String> get(String path) throws IOException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + panePort + path))
            .timeout(Duration.ofSeconds(5))
            .build();
    try {
      return HTTP.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  String logText() {
    try {
      return Files.exists(log()) ? Files.readString(log()) : "(no log)";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
