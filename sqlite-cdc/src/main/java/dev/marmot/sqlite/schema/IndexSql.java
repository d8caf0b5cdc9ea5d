package dev.marmot.sqlite.schema;

import dev.marmot.sqlite.schema.SqlTokens.Token;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The parts of a CREATE INDEX text that no pragma tells. Immutable.
 *
 * @param terms text of each term, without its ASC or DESC; a COLLATE stays, for it may belong to
 *     the last operand only
 * @param where text of a partial index's condition
 */
record IndexSql(List<String> terms, Optional<String> where) {
  IndexSql {
    terms = List.copyOf(terms);
  }

  static IndexSql parse(String sql) {
    List<Token> tokens = SqlTokens.of(sql);
    // ON is reserved, so an unquoted ON cannot be the index's name; ON, the table's name, then (.
    int open = 0;
    while (!tokens.get(open).is("ON")) {
      open++;
    }
    open += 2;
    List<String> terms = new ArrayList<>();
    int depth = 0;
    int start = open + 1;
    int i = open;
    for (; i < tokens.size(); i++) {
      Token token = tokens.get(i);
      if (token.symbol('(')) {
        depth++;
      } else if (token.symbol(')') && --depth == 0) {
        break;
      } else if (token.symbol(',') && depth == 1) {
        terms.add(term(sql, tokens.subList(start, i)));
        start = i + 1;
      }
    }
    terms.add(term(sql, tokens.subList(start, i)));
    List<Token> rest = tokens.subList(Math.min(i + 1, tokens.size()), tokens.size());
    return new IndexSql(
        terms,
        rest.isEmpty() || !rest.get(0).is("WHERE")
            ? Optional.empty()
            : Optional.of(SqlTokens.text(sql, withoutSemicolon(rest.subList(1, rest.size())))));
  }

  private static String term(String sql, List<Token> tokens) {
    int end = tokens.size();
    if (end > 1 && (tokens.get(end - 1).is("ASC") || tokens.get(end - 1).is("DESC"))) {
      end--;
    }
    return SqlTokens.text(sql, tokens.subList(0, end));
  }

  private static List<Token> withoutSemicolon(List<Token> tokens) {
    int end = tokens.size();
    return end > 0 && tokens.get(end - 1).symbol(';') ? tokens.subList(0, end - 1) : tokens;
  }
}
