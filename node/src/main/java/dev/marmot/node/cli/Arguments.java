package dev.marmot.node.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Marmot 0.3's way of writing options, brought into the usual one. Pure functions. */
final class Arguments {
  private static final Pattern LONG_WITH_ONE_DASH =
      Pattern.compile("-[a-z][a-z-]+(=.*)?", Pattern.DOTALL);
  private static final Pattern GENERAL = Pattern.compile("--(pane|verbose)(=.*)?", Pattern.DOTALL);
  private static final Set<String> ABOUT = Set.of("-h", "--help", "-V", "--version");

  private Arguments() {}

  /** Whether the output is meant for a script. */
  static boolean json(String... given) {
    return Arrays.stream(given)
        .takeWhile(argument -> !argument.equals("--"))
        .anyMatch(argument -> argument.equals("--json") || argument.equals("--json=true"));
  }

  /**
   * Two dashes before every long option, {@code run} before the first when no command is given, and
   * no file taken for the value of a flag before it.
   *
   * @param flags of {@code run}: they take a value, but only one that says yes or no
   */
  static String[] normalize(Set<String> flags, String... given) {
    List<String> arguments = new ArrayList<>();
    boolean options = true;
    for (String argument : given) {
      options = options && !argument.equals("--");
      boolean oneDash = options && LONG_WITH_ONE_DASH.matcher(argument).matches();
      arguments.add(oneDash ? "-" + argument : argument);
    }
    int first = behindGeneral(arguments);
    boolean onlyGeneral = first == arguments.size();
    if (!arguments.isEmpty()
        && (onlyGeneral || arguments.get(first).startsWith("-"))
        && (onlyGeneral || !ABOUT.contains(arguments.get(first)))) {
      arguments.add(0, "run");
      first = 0;
    }
    if (first < arguments.size() && arguments.get(first).equals("run")) {
      separateFlags(flags, arguments);
    }
    return arguments.toArray(String[]::new);
  }

  private static void separateFlags(Set<String> flags, List<String> arguments) {
    for (int at = 0; at < arguments.size(); at++) {
      boolean value =
          at + 1 < arguments.size() && arguments.get(at + 1).matches("(?i)true|false|0|1");
      if (flags.contains(arguments.get(at)) && !value) {
        arguments.set(at, arguments.get(at) + "=true");
      }
    }
  }

  /** Where the options end that every command knows, and that may come before it. */
  private static int behindGeneral(List<String> arguments) {
    int at = 0;
    while (at < arguments.size() && GENERAL.matcher(arguments.get(at)).matches()) {
      String option = arguments.get(at++);
      boolean value =
          at < arguments.size()
              && (option.equals("--pane")
                  || (option.equals("--verbose") && arguments.get(at).matches("(?i)true|false")));
      at += value ? 1 : 0;
    }
    return at;
  }
}
