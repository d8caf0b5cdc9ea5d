package dev.marmot.sqlite.sample;

import dev.marmot.sqlite.store.DatabaseDigest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/**
 * One application's connection to its own copy of the shop. Confined to one thread.
 *
 * <p>Orders have numbers that the application makes unique over all servers; integers that SQLite
 * counts up would collide when two servers insert at the same time.
 */
public final class SampleShop implements AutoCloseable {
  private static final int CUSTOMERS = 20;
  private static final int PRODUCTS = 50;
  private static final List<String> SCHEMA =
      List.of(
          "CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE)",
          "CREATE TABLE products(id INTEGER PRIMARY KEY, sku TEXT NOT NULL UNIQUE,"
              + " name TEXT NOT NULL, price REAL NOT NULL CHECK(price >= 0),"
              + " stock INTEGER NOT NULL)",
          "CREATE TABLE orders(number TEXT PRIMARY KEY,"
              + " customer_id INTEGER NOT NULL REFERENCES customers(id),"
              + " placed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')))",
          "CREATE TABLE order_items(order_number TEXT NOT NULL REFERENCES orders(number)"
              + " ON DELETE CASCADE, product_id INTEGER NOT NULL REFERENCES products(id),"
              + " quantity INTEGER NOT NULL, PRIMARY KEY(order_number, product_id))",
          "CREATE INDEX orders_by_customer ON orders(customer_id)");

  private final Connection connection;

  private SampleShop(Connection connection) {
    this.connection = connection;
  }

  /** Makes a new file; called twice, it makes the same content twice. */
  public static void create(Path file) {
    if (Files.exists(file)) {
      throw new IllegalStateException("cannot create " + file + ": it exists; choose another name");
    }
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      connection.setAutoCommit(false);
      for (String sql : SCHEMA) {
        statement.execute(sql);
      }
      insertCustomers(connection);
      insertProducts(connection);
      connection.commit();
    } catch (SQLException e) {
      throw new SampleShopException("create " + file, e);
    }
  }

  private static void insertCustomers(Connection connection) throws SQLException {
    try (PreparedStatement insert =
        connection.prepareStatement("INSERT INTO customers(id, name, email) VALUES (?, ?, ?)")) {
      for (int id = 1; id <= CUSTOMERS; id++) {
        insert.setInt(1, id);
        insert.setString(2, "Customer " + id);
        insert.setString(3, "customer" + id + "@example.com");
        insert.executeUpdate();
      }
    }
  }

  private static void insertProducts(Connection connection) throws SQLException {
    try (PreparedStatement insert =
        connection.prepareStatement(
            "INSERT INTO products(id, sku, name, price, stock) VALUES (?, ?, ?, ?, 1000)")) {
      for (int id = 1; id <= PRODUCTS; id++) {
        insert.setInt(1, id);
        insert.setString(2, "SKU-" + id);
        insert.setString(3, "Product " + id);
        insert.setDouble(4, id * 1.25);
        insert.executeUpdate();
      }
    }
  }

  /** Opens a file that {@link #create} made. */
  public static SampleShop open(Path file) {
    if (!Files.exists(file)) {
      throw new IllegalStateException(
          "cannot open " + file + ": it does not exist; create it first");
    }
    try {
      return new SampleShop(connect(file));
    } catch (SQLException e) {
      throw new SampleShopException("open " + file, e);
    }
  }

  private static Connection connect(Path file) throws SQLException {
    Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA busy_timeout=10000");
      statement.execute("PRAGMA foreign_keys=ON");
      return connection;
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  /** One transaction over three tables: the order, its items, less stock. */
  public void placeOrder(String number, int customer, List<Integer> products) {
    try (Statement transaction = connection.createStatement()) {
      transaction.execute("BEGIN IMMEDIATE");
      try {
        execute("INSERT INTO orders(number, customer_id) VALUES (?, ?)", number, customer);
        for (int product : products) {
          execute("INSERT INTO order_items VALUES (?, ?, 1)", number, product);
          execute("UPDATE products SET stock = stock - 1 WHERE id = ?", product);
        }
        transaction.execute("COMMIT");
      } catch (SQLException e) {
        transaction.execute("ROLLBACK");
        throw e;
      }
    } catch (SQLException e) {
      throw new SampleShopException("place order " + number, e);
    }
  }

  private void execute(String sql, Object... values) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      statement.executeUpdate();
    }
  }

  /** The number of items of an order that are visible here; 0 when the order is not. */
  public int itemsOf(String number) {
    try (PreparedStatement query =
        connection.prepareStatement(
            "SELECT count(*) FROM orders JOIN order_items ON order_number = number"
                + " WHERE number = ?")) {
      query.setString(1, number);
      try (ResultSet rows = query.executeQuery()) {
        return rows.next() ? rows.getInt(1) : 0;
      }
    } catch (SQLException e) {
      throw new SampleShopException("read order " + number, e);
    }
  }

  /** All rows of the shop's tables, by value and storage class, as one digest. */
  public ContentDigest digest() {
    try {
      return new ContentDigest(DatabaseDigest.of(connection));
    } catch (SQLException e) {
      throw new SampleShopException("compare the shop", e);
    }
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      throw new SampleShopException("close the shop", e);
    }
  }
}
