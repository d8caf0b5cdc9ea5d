package dev.marmot.sqlite.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;

class TablePatternsTest {
  private static final List<String> GLOBS =
      List.of("sessions", "cache_*", "t?", "[ab]x", "[^ab]x", "[a-c]1", "a.b", "[]]", "*[[]*");
  private static final List<String> NAMES =
      List.of(
          "sessions",
          "sessions2",
          "cache_",
          "cache_a b",
          "cach",
          "t1",
          "t",
          "t12",
          "ax",
          "cx",
          "b1",
          "d1",
          "a.b",
          "axb",
          "]",
          "x[y",
          "",
          "naïve",
          "日本");

  @Test
  void match_asSqliteDoes() throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite::memory:");
        PreparedStatement query = connection.prepareStatement("SELECT ? GLOB ?")) {
      for (String glob : GLOBS) {
        for (String name : NAMES) {
          query.setString(1, name);
          query.setString(2, glob);
          try (ResultSet row = query.executeQuery()) {
            assertThat(TablePatterns.of(List.of(glob)).match(name))
                .as("'%s' GLOB '%s'", name, glob)
                .isEqualTo(row.getBoolean(1));
          }
        }
      }
    }
  }

  @Test
  void match_withoutCase() {
    assertThat(TablePatterns.of(List.of("Cache_*")).match("CACHE_x")).isTrue();
  }

  @Test
  void of_theSameSet_isEqual() {
    assertThat(TablePatterns.of(List.of("b", "A", "a")))
        .isEqualTo(TablePatterns.of(List.of("a", "B")))
        .hasToString("a,b");
    assertThat(TablePatterns.NONE).isEqualTo(TablePatterns.of(List.of()));
  }

  @Test
  void of_openBracket_isRefused() {
    assertThatThrownBy(() -> TablePatterns.of(List.of("[ab")))
        .hasMessageContaining("must close its bracket");
  }
}
