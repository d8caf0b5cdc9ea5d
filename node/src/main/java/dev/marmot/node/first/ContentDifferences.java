package dev.marmot.node.first;

import dev.marmot.proto.v1.FirstContent;
import dev.marmot.proto.v1.TableContent;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Which tables differ between nodes, in words. Pure functions. */
final class ContentDifferences {
  private static final int MOST_TABLES = 20;

  private ContentDifferences() {}

  /**
   * Each table that differs, with its rows on each node, as in {@code orders (node 1: 3 rows; nodes
   * 2, 3: 5 rows)}; empty when none does. A table without rows is like a table that is not there:
   * the application may still create it.
   */
  static String between(SortedMap<Integer, FirstContent> contents) {
    Map<Integer, Map<String, TableContent>> byNode = new TreeMap<>();
    Set<String> names = new TreeSet<>();
    contents.forEach(
        (node, content) -> {
          Map<String, TableContent> tables = new HashMap<>();
          content.getTablesList().forEach(table -> tables.put(table.getName(), table));
          byNode.put(node, tables);
          names.addAll(tables.keySet());
        });
    List<String> differing = new ArrayList<>();
    for (String name : names) {
      Map<TableContent, List<Integer>> groups = groups(byNode, name);
      if (groups.size() > 1) {
        differing.add(name + " (" + text(groups) + ")");
      }
    }
    int more = differing.size() - MOST_TABLES;
    return more > 0
        ? String.join(", ", differing.subList(0, MOST_TABLES)) + " and " + more + " more"
        : String.join(", ", differing);
  }

  /** Nodes that hold the same of a table. */
  private static Map<TableContent, List<Integer>> groups(
      Map<Integer, Map<String, TableContent>> byNode, String name) {
    Map<TableContent, List<Integer>> groups = new LinkedHashMap<>();
    byNode.forEach(
        (node, tables) -> {
          TableContent table = tables.getOrDefault(name, TableContent.getDefaultInstance());
          TableContent key = table.getRows() == 0 ? TableContent.getDefaultInstance() : table;
          groups.computeIfAbsent(key, unused -> new ArrayList<>()).add(node);
        });
    return groups;
  }

  private static String text(Map<TableContent, List<Integer>> groups) {
    Set<String> columns = new HashSet<>();
    groups.keySet().stream()
        .filter(table -> table.getRows() > 0)
        .forEach(table -> columns.add(table.getColumns()));
    Set<Long> counts = new HashSet<>();
    List<String> parts = new ArrayList<>();
    groups.forEach(
        (table, nodes) -> {
          String rows = table.getRows() == 1 ? " row" : " rows";
          String other = counts.add(table.getRows()) ? "" : "other ";
          String of =
              columns.size() > 1 && table.getRows() > 0 ? " of columns " + table.getColumns() : "";
          parts.add(nodes(nodes) + ": " + table.getRows() + " " + other + rows.strip() + of);
        });
    return String.join("; ", parts);
  }

  /** As in {@code node 1} and {@code nodes 2, 3}. */
  static String nodes(List<Integer> nodes) {
    return (nodes.size() == 1 ? "node " : "nodes ")
        + nodes.stream().map(String::valueOf).collect(Collectors.joining(", "));
  }
}
