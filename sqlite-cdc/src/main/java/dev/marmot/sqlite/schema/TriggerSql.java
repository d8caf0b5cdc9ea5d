package dev.marmot.sqlite.schema;

import dev.marmot.sqlite.schema.SqlTokens.Token;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What the body of a trigger does, as far as it matters on replicas. Immutable.
 *
 * @param writes folded names of the tables that the body writes
 * @param raises the body may refuse the statement
 * @param reads folded names that follow FROM or JOIN in it
 * @param calls names that stand before a bracket in the trigger, and may be functions
 */
record TriggerSql(List<String> writes, boolean raises, Set<String> reads, Set<String> calls) {
  private static final Set<String> STATEMENTS =
      Set.of("insert", "update", "delete", "replace", "select", "with");

  TriggerSql {
    writes = List.copyOf(writes);
    reads = Set.copyOf(reads);
    calls = Set.copyOf(calls);
  }

  static TriggerSql parse(String sql) {
    List<Token> tokens = SqlTokens.of(sql);
    List<String> writes = new ArrayList<>();
    boolean raises = false;
    boolean first = false;
    int body = bodyStart(tokens);
    for (int i = body; i < tokens.size(); i++) {
      if (i == body || first) {
        target(tokens, i, writes);
      }
      first = tokens.get(i).symbol(';');
      raises |= tokens.get(i).is("RAISE") && i + 1 < tokens.size() && tokens.get(i + 1).symbol('(');
    }
    return new TriggerSql(writes, raises, reads(tokens, body), calls(tokens));
  }

  private static Set<String> reads(List<Token> tokens, int body) {
    Set<String> reads = new HashSet<>();
    for (int i = body; i + 1 < tokens.size(); i++) {
      boolean deletes = tokens.get(i - 1).is("DELETE");
      if ((tokens.get(i).is("FROM") && !deletes) || tokens.get(i).is("JOIN")) {
        reads.add(Sql.fold(tokens.get(i + 1).value()));
      }
    }
    return reads;
  }

  private static Set<String> calls(List<Token> tokens) {
    Set<String> calls = new HashSet<>();
    for (int i = 1; i + 1 < tokens.size(); i++) {
      boolean names = tokens.get(i - 1).is("INTO") || tokens.get(i - 1).is("WITH");
      if (tokens.get(i + 1).symbol('(') && !names && !tokens.get(i).symbol(')')) {
        calls.add(Sql.fold(tokens.get(i).value()));
      }
    }
    return calls;
  }

  /** BEGIN may also be an unquoted column name, so the body's BEGIN is known by what follows. */
  private static int bodyStart(List<Token> tokens) {
    for (int i = 1; i + 1 < tokens.size(); i++) {
      if (tokens.get(i).is("BEGIN")
          && !tokens.get(i - 1).symbol('.')
          && STATEMENTS.contains(Sql.fold(tokens.get(i + 1).value()))) {
        return i + 1;
      }
    }
    return tokens.size();
  }

  private static void target(List<Token> tokens, int at, List<String> writes) {
    Token verb = tokens.get(at);
    int name;
    if (verb.is("INSERT") || verb.is("REPLACE")) {
      name = indexOf(tokens, at, "INTO") + 1;
    } else if (verb.is("DELETE")) {
      name = indexOf(tokens, at, "FROM") + 1;
    } else if (verb.is("UPDATE")) {
      name = tokens.get(at + 1).is("OR") ? at + 3 : at + 1;
    } else {
      return;
    }
    writes.add(Sql.fold(tokens.get(name).value()));
  }

  private static int indexOf(List<Token> tokens, int from, String keyword) {
    int i = from;
    while (!tokens.get(i).is(keyword)) {
      i++;
    }
    return i;
  }
}
