package dev.marmot.node.demo;

import dev.marmot.sqlite.sample.ContentDigest;
import dev.marmot.sqlite.sample.SampleShop;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;

/** Three applications, one per file, that know nothing of Marmot. Confined to the main thread. */
final class DemoWriters implements AutoCloseable {
  private static final int ROUNDS = 3;
  private static final Duration VISIBLE_WITHIN = Duration.ofSeconds(30);
  private static final Duration POLL = Duration.ofNanos(200_000);

  private final PrintWriter out;
  private final List<SampleShop> shops = new ArrayList<>();

  DemoWriters(DemoLayout layout, PrintWriter out) {
    this.out = out;
    for (int node = 1; node <= Demo.NODES; node++) {
      shops.add(SampleShop.open(layout.database(node)));
    }
  }

  void placeOrders() {
    for (int round = 1; round <= ROUNDS; round++) {
      for (int node = 1; node <= Demo.NODES; node++) {
        placeOrder(node, round);
      }
    }
  }

  private void placeOrder(int node, int round) {
    String number = "n" + node + "-" + round;
    List<Integer> products = List.of(round, 10 + round, 20 + round);
    shops.get(node - 1).placeOrder(number, node, products);
    long committed = System.nanoTime();
    StringBuilder line = new StringBuilder("  order " + number + " written on n" + node + ", seen");
    boolean[] seen = new boolean[Demo.NODES];
    seen[node - 1] = true;
    int left = Demo.NODES - 1;
    while (left > 0) {
      for (int other = 1; other <= Demo.NODES; other++) {
        if (!seen[other - 1] && isWhole(other, number, products.size())) {
          double millis = (System.nanoTime() - committed) / 1e6;
          line.append(String.format(Locale.ROOT, " on n%d after %.1f ms", other, millis));
          line.append(--left > 0 ? "," : "");
          seen[other - 1] = true;
        }
      }
      if (System.nanoTime() - committed > VISIBLE_WITHIN.toNanos()) {
        throw new IllegalStateException(
            "cannot see order "
                + number
                + " of n"
                + node
                + " everywhere within "
                + VISIBLE_WITHIN.toSeconds()
                + " s; look at the logs of the nodes");
      }
      LockSupport.parkNanos(POLL.toNanos());
    }
    out.println(line);
  }

  /** An order is there with all its items or not at all; anything between is a torn transaction. */
  private boolean isWhole(int node, String number, int items) {
    int seen = shops.get(node - 1).itemsOf(number);
    if (seen != 0 && seen != items) {
      throw new IllegalStateException(
          "order " + number + " is torn on n" + node + ": " + seen + " of " + items + " items");
    }
    return seen == items;
  }

  boolean compare() {
    List<ContentDigest> digests = new ArrayList<>();
    out.println();
    out.println("Compared value by value, with storage class:");
    for (int node = 1; node <= Demo.NODES; node++) {
      ContentDigest digest = shops.get(node - 1).digest();
      digests.add(digest);
      out.println("  n" + node + "  " + digest.rows() + " rows  " + digest.hash());
    }
    boolean equal = digests.stream().distinct().count() == 1;
    out.println(equal ? "The three files are equal." : "THE FILES DIFFER.");
    return equal;
  }

  @Override
  public void close() {
    for (SampleShop shop : shops) {
      shop.close();
    }
  }
}
