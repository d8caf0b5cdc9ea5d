package dev.marmot.sqlite.doctor;

import dev.marmot.sqlite.doctor.Report.Finding;
import dev.marmot.sqlite.doctor.Report.Level;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Gathers findings. Confined to one thread. */
final class Findings {
  private final List<Finding> all = new ArrayList<>();

  void problem(String subject, String what, String advice) {
    all.add(new Finding(Level.PROBLEM, subject, what, advice));
  }

  void warning(String subject, String what, String advice) {
    all.add(new Finding(Level.WARNING, subject, what, advice));
  }

  void note(String subject, String what, String advice) {
    all.add(new Finding(Level.NOTE, subject, what, advice));
  }

  /** A refusal says why and, after the semicolon, what to do. */
  void refusal(String table, String reason) {
    int cut = reason.lastIndexOf("; ");
    problem(
        "table " + table,
        "it is not replicated: " + (cut < 0 ? reason : reason.substring(0, cut)),
        cut < 0 ? "" : reason.substring(cut + 2));
  }

  List<Finding> worstFirst() {
    return all.stream().sorted(Comparator.comparing(Finding::level)).toList();
  }
}
