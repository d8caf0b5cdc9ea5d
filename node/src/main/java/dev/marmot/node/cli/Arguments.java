package dev.marmot.node.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Marmot 0.3's way of writing options, brought into the usual one. Pure functions. */
final class Arguments {
  private static final Pattern LONG_WITH_ONE_DASH =
      Pattern.compile("-[a-z][a-z-]+(=.*)?", Pattern.DOTALL);
  private static final Set<String> ABOUT = Set.of("-h", "--help", "-V", "--version");

  private Arguments() {}

  /** Two dashes before every long option, and {@code run} before the first when it is left out. */
  static String[] normalize(String... given) {
    List<String> arguments = new ArrayList<>();
    boolean options = true;
    for (String argument : given) {
      options = options && !argument.equals("--");
      boolean oneDash = options && LONG_WITH_ONE_DASH.matcher(argument).matches();
      arguments.add(oneDash ? "-" + argument : argument);
    }
    if (!arguments.isEmpty()
        && arguments.get(0).startsWith("-")
        && !ABOUT.contains(arguments.get(0))) {
      arguments.add(0, "run");
    }
    return arguments.toArray(String[]::new);
  }
}
