package dev.marmot.sqlite.doctor;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the examination of a file found. Immutable.
 *
 * @param facts settings of the file by name
 * @param replicated names of the tables that replicate
 * @param findings the worst first
 */
public record Report(Map<String, String> facts, List<String> replicated, List<Finding> findings) {
  public Report {
    facts = Map.copyOf(new TreeMap<>(facts));
    replicated = List.copyOf(replicated);
    findings = List.copyOf(findings);
  }

  /** Whether nothing keeps the file, or one of its tables, from replicating. */
  public boolean replicates() {
    return findings.stream().noneMatch(finding -> finding.level() == Level.PROBLEM);
  }

  /** How much a finding matters. */
  public enum Level {
    /** It keeps the file or a table from replicating. */
    PROBLEM,
    /** It replicates, but something will surprise. */
    WARNING,
    /** Good to know. */
    NOTE
  }

  /**
   * One finding.
   *
   * @param subject {@code file}, {@code application} or {@code table <name>}
   * @param advice what to do; empty when nothing is to be done
   */
  public record Finding(Level level, String subject, String what, String advice) {}
}
