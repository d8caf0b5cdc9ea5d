package dev.marmot.node.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Reads values by key and gathers what is wrong with them. Confined to one thread. */
final class ConfigValues {
  private final Map<String, String> values;
  private final List<ConfigFault> faults = new ArrayList<>();

  ConfigValues(Map<String, String> values) {
    this.values = Map.copyOf(values);
  }

  /** What was given, without surrounding blanks; empty when it was not given. */
  Optional<String> given(String key) {
    return Optional.ofNullable(values.get(key)).map(String::strip);
  }

  /** Reads a value that may be missing; a fault leaves it empty. */
  <T> Optional<T> read(String key, Function<String, T> reader) {
    return given(key)
        .flatMap(
            text -> {
              try {
                return Optional.of(reader.apply(text));
              } catch (IllegalArgumentException e) {
                fault(key, String.valueOf(e.getMessage()), text);
                return Optional.empty();
              }
            });
  }

  int number(String key, int fallback, int least, int most) {
    return read(key, text -> number(text, least, most)).orElse(fallback);
  }

  static int number(String text, int least, int most) {
    String problem = "must be a whole number from " + least + " to " + most;
    try {
      int number = Integer.parseInt(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(problem, e);
    }
    throw new IllegalArgumentException(problem);
  }

  boolean flag(String key, boolean fallback) {
    return read(key, ConfigValues::flag).orElse(fallback);
  }

  private static boolean flag(String text) {
    return switch (text) {
      case "true", "1" -> true;
      case "false", "0" -> false;
      default -> throw new IllegalArgumentException("must be true or false");
    };
  }

  void fault(String key, String problem, String value) {
    faults.add(new ConfigFault(key, problem, value));
  }

  List<ConfigFault> faults() {
    return faults;
  }
}
