package dev.marmot.sqlite.store;

import dev.marmot.sqlite.ApplyTransaction;
import dev.marmot.sqlite.CapturedChanges;
import dev.marmot.sqlite.RowImage;
import dev.marmot.sqlite.codec.ChangeSetCodec;
import dev.marmot.sqlite.codec.Slicer;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** Prints what capture and apply cost per row in processor time. Run by hand. */
public final class StoreCost {
  private static final int ROWS = 10_000;
  private static final int ROUNDS = 7;

  private StoreCost() {}

  public static void main(String[] args) throws Exception {
    cost("plain", "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT, c INTEGER)");
    cost("unique", "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT UNIQUE, c INTEGER)");
    cost("textkey", "CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT, b TEXT, c INTEGER)");
    cost(
        "trigger",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT, c INTEGER)",
        "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END");
  }

  private static void cost(String name, String... schema) throws Exception {
    Path directory = Files.createTempDirectory("cost");
    try (Replica a = Replica.open(directory, 1, schema);
        Replica b = Replica.open(directory, 2, schema)) {
      List<Double> capture = new ArrayList<>();
      List<Double> codec = new ArrayList<>();
      List<Double> own = new ArrayList<>();
      List<Double> insert = new ArrayList<>();
      List<Double> update = new ArrayList<>();
      List<Double> other = new ArrayList<>();
      List<Double> one = new ArrayList<>();
      for (int round = 0; round < ROUNDS; round++) {
        a.run(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<"
                + ROWS
                + ") INSERT INTO t SELECT i+"
                + round * ROWS
                + ", hex(randomblob(50)), 'b'||(i+"
                + round * ROWS
                + ")||hex(randomblob(15)), i FROM n");
        CapturedChanges changes = capture(a, capture);
        codec(changes, codec);
        apply(a, a, changes, own);
        apply(b, a, changes, insert);
        a.run("UPDATE t SET b=b||'x', c=c+1 WHERE rowid>" + round * ROWS);
        CapturedChanges updates = capture(a, new ArrayList<>());
        apply(a, a, updates, new ArrayList<>());
        apply(b, a, updates, update);
        a.run("UPDATE t SET c=c+1 WHERE rowid>" + round * ROWS);
        CapturedChanges others = capture(a, new ArrayList<>());
        apply(a, a, others, new ArrayList<>());
        apply(b, a, others, other);
        single(a, b, one, round);
      }
      System.out.printf(
          Locale.ROOT,
          "%s: capture %.1f, codec both ways %.1f, apply own %.1f, insert %.1f, update %.1f, of no"
              + " unique column %.1f us/row; one row %.0f us%n",
          name,
          median(capture),
          median(codec),
          median(own),
          median(insert),
          median(update),
          median(other),
          median(one) * ROWS);
    }
  }

  private static CapturedChanges capture(Replica replica, List<Double> times) {
    long start = now();
    CapturedChanges changes = replica.capture().orElseThrow();
    times.add((now() - start) / 1000.0 / ROWS);
    return changes;
  }

  private static void codec(CapturedChanges changes, List<Double> times) {
    long start = now();
    for (List<RowImage> piece : Slicer.slice(changes.rows())) {
      ChangeSetCodec.decode(ChangeSetCodec.encode(piece));
    }
    times.add((now() - start) / 1000.0 / ROWS);
  }

  private static void apply(Replica at, Replica from, CapturedChanges changes, List<Double> times) {
    long start = now();
    at.apply(changes, from);
    times.add((now() - start) / 1000.0 / ROWS);
  }

  private static void single(Replica a, Replica b, List<Double> times, int round) throws Exception {
    for (int i = 0; i < 200; i++) {
      a.run("UPDATE t SET c=c+1 WHERE rowid=" + (round * ROWS + i + 1));
      CapturedChanges changes = a.capture().orElseThrow();
      a.apply(changes, a);
      long start = now();
      try (ApplyTransaction transaction = b.store.begin()) {
        b.apply(transaction, changes, a);
        transaction.position(1, round);
        transaction.commit();
      }
      times.add((now() - start) / 1000.0 / ROWS);
    }
  }

  /** Time of the processor, which other work on the machine does not disturb so much. */
  private static long now() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  private static double median(List<Double> times) {
    Collections.sort(times);
    return times.get(times.size() / 2);
  }
}
