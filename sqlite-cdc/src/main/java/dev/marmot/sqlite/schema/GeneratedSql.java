package dev.marmot.sqlite.schema;

import dev.marmot.sqlite.schema.SqlTokens.Token;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The expressions of generated columns, which no pragma tells, from a CREATE TABLE text. Pure. */
final class GeneratedSql {
  private GeneratedSql() {}

  /** Texts of the expressions by folded column name. */
  static Map<String, String> parse(String sql) {
    List<Token> tokens = SqlTokens.of(sql);
    Map<String, String> expressions = new HashMap<>();
    int depth = 0;
    String column = "";
    int start = -1;
    for (int i = 1; i < tokens.size(); i++) {
      Token token = tokens.get(i);
      Token before = tokens.get(i - 1);
      if (depth == 1 && (before.symbol('(') || before.symbol(','))) {
        column = Sql.fold(token.value());
      }
      if (token.symbol('(')) {
        depth++;
        start = depth == 2 && before.is("AS") ? i + 1 : start;
      } else if (token.symbol(')')) {
        depth--;
        if (depth == 1 && start >= 0) {
          expressions.put(column, SqlTokens.text(sql, tokens.subList(start, i)));
          start = -1;
        }
      }
    }
    return expressions;
  }
}
