package dev.marmot.node.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The main job: three nodes keep real SQLite files in step, whatever program writes them. */
class MainJobIT {
  private static final String SCHEMA =
      """
      PRAGMA foreign_keys=ON;
      CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, joined REAL);
      CREATE TABLE products(sku TEXT PRIMARY KEY, title TEXT COLLATE NOCASE, price REAL CHECK(price >= 0),
        picture BLOB) WITHOUT ROWID;
      CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers(id) ON DELETE CASCADE,
        placed TEXT DEFAULT CURRENT_TIMESTAMP);
      CREATE TABLE order_items(ord INTEGER, line INTEGER, sku TEXT, qty INTEGER, PRIMARY KEY(ord, line));
      CREATE TABLE notes(body);
      CREATE TABLE events(id INTEGER PRIMARY KEY, source TEXT, n INTEGER);
      CREATE TABLE documents(id INTEGER PRIMARY KEY, title TEXT, body TEXT);
      CREATE VIRTUAL TABLE search USING fts5(title, body, content='documents', content_rowid='id');
      CREATE TRIGGER documents_added AFTER INSERT ON documents BEGIN
        INSERT INTO search(rowid, title, body) VALUES(new.id, new.title, new.body); END;
      CREATE TRIGGER documents_gone AFTER DELETE ON documents BEGIN
        INSERT INTO search(search, rowid, title, body) VALUES('delete', old.id, old.title, old.body); END;
      CREATE TRIGGER documents_changed AFTER UPDATE ON documents BEGIN
        INSERT INTO search(search, rowid, title, body) VALUES('delete', old.id, old.title, old.body);
        INSERT INTO search(rowid, title, body) VALUES(new.id, new.title, new.body); END;
      """;

  private static final String PYTHON_WRITER =
      """
      import sqlite3, sys
      db = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
      base = int(sys.argv[2]); count = int(sys.argv[3])
      for i in range(count):
          db.execute("BEGIN IMMEDIATE")
          db.execute("INSERT INTO events(id, source, n) VALUES(?, 'python', ?)", (base + i, i))
          db.execute("INSERT INTO notes(body) VALUES(?)", (bytes([i % 256, 0, 255]),)) if i % 7 == 0 else None
          db.execute("COMMIT")
      print(count)
      """;

  @Test
  void loadThroughTheShell_whilePythonWritesElsewhere_filesAreEqual(@TempDir Path directory)
      throws Exception {
    try (Cluster cluster = new Cluster(directory, SCHEMA).start()) {
      List<Process> writers = new ArrayList<>();
      for (NodeProcess node : cluster.nodes()) {
        writers.add(Tools.python(DOCUMENT_WRITER, node.database(), node.id()));
      }
      Process python = Tools.python(PYTHON_WRITER, cluster.node(2).database(), 1_000_000, 500);
      Tools.sqlite(
          cluster.node(1).database(),
          """
          PRAGMA trusted_schema=OFF;
          PRAGMA foreign_keys=ON;
          BEGIN;
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 10000)
            INSERT INTO customers SELECT i, 'customer ' || i, 'c' || i || '@example.org', i / 3.0 FROM n;
          COMMIT;
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 5000)
            INSERT INTO products SELECT printf('sku-%05d', i), 'Product ' || i, i * 0.99, randomblob(40) FROM n;
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20000)
            INSERT INTO orders(id, customer) SELECT i, 1 + i % 10000 FROM n;
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20000)
            INSERT INTO order_items SELECT i, 1 + i % 3, printf('sku-%05d', 1 + i % 5000), i % 9 FROM n;
          UPDATE products SET price = price * 2 WHERE sku < 'sku-00100';
          DELETE FROM customers WHERE id % 100 = 0;
          INSERT OR REPLACE INTO customers VALUES(20000, 'moved', 'c1@example.org', NULL);
          UPDATE order_items SET line = line + 100 WHERE ord < 50;
          """);
      assertThat(Tools.output(python)).isEqualTo("500");
      for (Process documents : writers) {
        assertThat(Tools.output(documents)).isEqualTo("done");
      }
      cluster.assertEqual();
      assertSameSearchResults(cluster);
      assertThat(Tools.sqlite(cluster.node(3).database(), "SELECT count(*) FROM orders;"))
          .isEqualTo("19798"); // 200 went with their customers, 2 with the one that was displaced
      assertThat(Tools.sqlite(cluster.node(3).database(), "SELECT count(*) FROM events;"))
          .isEqualTo("500");
      assertThat(
              Tools.sqlite(
                  cluster.node(2).database(),
                  "SELECT id FROM customers WHERE email='c1@example.org';"))
          .isEqualTo("20000");
    }
  }

  /** Random documents, each node with ids of its own; changes and removals of anybody's. */
  private static final String DOCUMENT_WRITER =
      """
      import random, sqlite3, sys
      db = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
      node = int(sys.argv[2]); r = random.Random(node)
      words = "red green blue fox wolf whale river stone cloud night".split()
      text = lambda n: " ".join(r.choice(words) for _ in range(n))
      for i in range(150):
          db.execute("BEGIN IMMEDIATE")
          ids = [row[0] for row in db.execute("SELECT id FROM documents ORDER BY random() LIMIT 3")]
          db.execute("INSERT INTO documents VALUES(?, ?, ?)", (node * 100000 + i, text(2), text(12)))
          if ids and i % 3 == 0: db.execute("UPDATE documents SET body=? WHERE id=?", (text(9), ids[0]))
          if ids and i % 5 == 0: db.execute("DELETE FROM documents WHERE id=?", (ids[-1],))
          if i % 7 == 0: db.execute("INSERT INTO documents VALUES(?, ?, ?) ON CONFLICT(id) DO UPDATE SET"
              " title=excluded.title", (node * 100000, text(3), text(4)))
          db.execute("COMMIT")
      print("done")
      """;

  private static void assertSameSearchResults(Cluster cluster) throws Exception {
    String searches =
        """
        .bail on
        SELECT count(*) FROM documents;
        SELECT 'fox', group_concat(rowid) FROM (SELECT rowid FROM search('fox') ORDER BY rowid);
        SELECT 'title', group_concat(rowid) FROM (SELECT rowid FROM search('title : river OR stone') ORDER BY rowid);
        SELECT 'phrase', group_concat(rowid) FROM (SELECT rowid FROM search('"red wolf"') ORDER BY rowid);
        SELECT 'rank', rowid, printf('%.6f', rank) FROM search('whale AND night NOT cloud') ORDER BY rank, rowid LIMIT 20;
        INSERT INTO search(search, rank) VALUES('integrity-check', 1);
        """;
    String first = Tools.sqlite(cluster.node(1).database(), searches);
    assertThat(first).contains("fox|").contains("phrase|").contains("rank|");
    for (NodeProcess node : cluster.nodes()) {
      assertThat(Tools.sqlite(node.database(), searches)).isEqualTo(first);
    }
  }

  private static final String TRANSFERS =
      """
      import sqlite3, sys, random
      files = sys.argv[2:]; rounds = int(sys.argv[1])
      r = random.Random(7)
      dbs = [sqlite3.connect(f, timeout=20, isolation_level=None) for f in files]
      for i in range(rounds):
          db = dbs[i % len(dbs)]
          a, b = r.sample(range(1, 101), 2)
          db.execute("BEGIN IMMEDIATE")
          db.execute("UPDATE accounts SET balance = balance - 1 WHERE id = ?", (a,))
          for t in range(1, 6):
              db.execute(f"UPDATE ledger{t} SET n = n + 1 WHERE id = ?", (a,))
          db.execute("UPDATE accounts SET balance = balance + 1 WHERE id = ?", (b,))
          db.execute("COMMIT")
      print("done")
      """;

  private static final String SUM_READER =
      """
      import sqlite3, sys, os
      db = sqlite3.connect(sys.argv[1], timeout=20); bad = 0; reads = 0
      while not os.path.exists(sys.argv[2]):
          # a transfer adds one to the same row of five tables: seen whole, the five are equal
          row = db.execute("SELECT " + ",".join(
              f"(SELECT group_concat(n) FROM (SELECT n FROM ledger{t} ORDER BY id))" for t in range(1, 6))).fetchone()
          if len(set(row)) != 1: bad += 1
          reads += 1
      print(bad, reads)
      """;

  @Test
  void transactionOverSixTables_isSeenWholeOnEveryNode(@TempDir Path directory) throws Exception {
    StringBuilder schema =
        new StringBuilder("CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER);");
    String fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 100) ";
    schema.append(fill).append("INSERT INTO accounts SELECT i, 1000 FROM n;");
    for (int t = 1; t <= 5; t++) {
      schema.append("CREATE TABLE ledger%d(id INTEGER PRIMARY KEY, n INTEGER);".formatted(t));
      schema.append(fill).append("INSERT INTO ledger%d SELECT i, 0 FROM n;".formatted(t));
    }
    Path stop = directory.resolve("stop");
    try (Cluster cluster =
        new Cluster(directory, schema.toString(), List.of("--shards=4")).start()) {
      List<Process> readers = new ArrayList<>();
      for (NodeProcess node : cluster.nodes()) {
        readers.add(Tools.python(SUM_READER, node.database(), stop));
      }
      Process writer =
          Tools.python(
              TRANSFERS,
              1000,
              cluster.node(1).database(),
              cluster.node(2).database(),
              cluster.node(3).database());
      assertThat(Tools.output(writer)).isEqualTo("done");
      cluster.assertEqual();
      java.nio.file.Files.createFile(stop);
      for (Process reader : readers) {
        String[] result = Tools.output(reader).split(" ", -1);
        assertThat(result[0]).as("torn reads").isEqualTo("0");
        assertThat(Integer.parseInt(result[1])).as("reads").isPositive();
      }
    }
  }
}
