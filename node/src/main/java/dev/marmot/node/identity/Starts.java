package dev.marmot.node.identity;

import java.nio.file.Path;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * The starts of which a directory knows. A start is written to the directory as intended, then to
 * the file, then to the directory as done: so after any crash the two belong together, and one that
 * was set back, by however little, does not. Immutable.
 *
 * @param done the last start; empty before the first
 * @param intended the start that may have begun after it
 */
public record Starts(Optional<StartNumber> done, Optional<StartNumber> intended) {
  /** A directory that is new. */
  public static final Starts NONE = new Starts(Optional.empty(), Optional.empty());

  /**
   * Why file and directory do not belong together; empty when they do.
   *
   * @param node for the message
   * @param found what the file says
   */
  public Optional<String> refusal(
      int node, Path file, Path directory, Optional<StartNumber> found) {
    boolean known = found.isPresent() && (found.equals(done) || found.equals(intended));
    if (done.isEmpty() || known) {
      return Optional.empty();
    }
    long last = done.get().number();
    long foundNumber = found.map(StartNumber::number).orElse(0L);
    String cannot = "cannot start node %d: ".formatted(node);
    if (foundNumber < last) {
      return Optional.of(
          cannot
              + "%s is an older copy of itself (of start %d, the last was %d): what it lacks would be"
                  .formatted(file, foundNumber, last)
              + " lost silently; put the newest file back, or start with --adopt to take the rows of"
              + " the cluster");
    }
    return Optional.of(
        cannot
            + "directory %s is an older copy of itself (of start %d, %s knows %s %d): what this node"
                .formatted(
                    directory,
                    last,
                    file,
                    foundNumber == last ? "another start" : "start",
                    foundNumber)
            + " voted and acknowledged since is forgotten; put the newest directory back, or set it"
            + " aside and start with --join HOST:PORT --replace");
  }

  /** With a start that begins now. */
  Starts intending(Optional<StartNumber> found, RandomGenerator random) {
    return new Starts(found, Optional.of(StartNumber.after(done, found, random)));
  }

  /** With the intended start begun. */
  Starts begun() {
    return new Starts(intended, Optional.empty());
  }

  static Starts parse(String text) {
    String[] lines = text.split("\n", -1);
    return new Starts(line(lines, 0), line(lines, 1));
  }

  private static Optional<StartNumber> line(String[] lines, int at) {
    return at < lines.length && !lines[at].isBlank()
        ? Optional.of(StartNumber.parse(lines[at]))
        : Optional.empty();
  }

  @Override
  public String toString() {
    return line(done) + line(intended);
  }

  private static String line(Optional<StartNumber> start) {
    return start.map(StartNumber::toString).orElse("") + "\n";
  }
}
