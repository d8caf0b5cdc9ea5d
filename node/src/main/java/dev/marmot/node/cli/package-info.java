/**
 * The command line. {@link dev.marmot.node.cli.Main} is the entry, one class per command; nothing
 * imports this package.
 */
@NullMarked
package dev.marmot.node.cli;

import org.jspecify.annotations.NullMarked;
