package dev.marmot.node.simulation;

/**
 * How the hooks in the file behave. Immutable.
 *
 * @param notesAreWrites a mutation: a noted key is logged although its row is still there
 */
record HookRules(boolean notesAreWrites) {
  static final HookRules CORRECT = new HookRules(false);
}
