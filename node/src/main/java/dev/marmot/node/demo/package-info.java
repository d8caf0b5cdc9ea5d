/**
 * {@code marmot demo}: three nodes as real processes around a small sample database. It knows the
 * nodes only from outside: their command line, their control pane and their SQLite files.
 */
@NullMarked
package dev.marmot.node.demo;

import org.jspecify.annotations.NullMarked;
