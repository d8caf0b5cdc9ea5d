package dev.marmot.node.simulation;

import java.util.ArrayList;
import java.util.List;

/** Leaves out steps of a failing schedule as long as it still fails. Pure functions. */
final class Shrinker {
  private Shrinker() {}

  /** A failing schedule from which no single step can be left out, or as near as trials allow. */
  static Schedule shrink(Schedule failing, int trials) {
    List<Integer> kept = new ArrayList<>(failing.kept());
    int left = trials;
    int chunk = Math.max(1, kept.size() / 2);
    while (left > 0) {
      boolean shrunk = false;
      for (int at = kept.size(); at > 0 && left > 0; at -= chunk) {
        List<Integer> fewer = new ArrayList<>(kept);
        fewer.subList(Math.max(0, at - chunk), at).clear();
        left--;
        if (Trial.of(failing.only(fewer)).failure().isPresent()) {
          kept = fewer;
          shrunk = true;
        }
      }
      if (!shrunk && chunk == 1) {
        break;
      }
      if (!shrunk || chunk > kept.size()) {
        chunk = Math.max(1, chunk / 2);
      }
    }
    return failing.only(kept);
  }
}
