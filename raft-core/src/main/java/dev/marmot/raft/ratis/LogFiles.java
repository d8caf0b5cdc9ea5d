package dev.marmot.raft.ratis;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The files of one log copy, as Ratis names them. Stateless. */
final class LogFiles {
  private static final Pattern SEGMENT = Pattern.compile("log_(?:inprogress_)?(\\d+)(?:-\\d+)?");

  private LogFiles() {}

  /**
   * A file of consecutive entries.
   *
   * @param start index of its first entry
   */
  record Segment(long start, long bytes) {}

  /** By start; files that vanish meanwhile are left out. */
  static List<Segment> segments(Path group) throws IOException {
    List<Segment> segments = new ArrayList<>();
    try (Stream<Path> files = Files.list(group.resolve("current"))) {
      for (Path file : (Iterable<Path>) files::iterator) {
        segment(file).ifPresent(segments::add);
      }
    } catch (NoSuchFileException e) {
      return List.of();
    }
    segments.sort(Comparator.comparingLong(Segment::start));
    return segments;
  }

  private static Optional<Segment> segment(Path file) throws IOException {
    Matcher name = SEGMENT.matcher(String.valueOf(file.getFileName()));
    if (!name.matches()) {
      return Optional.empty();
    }
    try {
      return Optional.of(new Segment(Long.parseLong(name.group(1)), Files.size(file)));
    } catch (NoSuchFileException e) {
      // Purged or renamed just now: the next look sees it right.
      return Optional.empty();
    }
  }

  /** The lowest start of a segment such that it and all newer ones take at most so many bytes. */
  static long startWithin(List<Segment> segments, long bytes) {
    long sum = 0;
    long start = Long.MAX_VALUE;
    for (int i = segments.size() - 1; i >= 0; i--) {
      sum += segments.get(i).bytes();
      // The newest one is being written and cannot go.
      if (sum > bytes && i < segments.size() - 1) {
        return start;
      }
      start = segments.get(i).start();
    }
    return 0;
  }
}
