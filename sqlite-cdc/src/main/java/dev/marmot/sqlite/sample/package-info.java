/**
 * A small shop in a SQLite file, as an application would use it: for demonstrations and tests. It
 * knows nothing of replication.
 */
@NullMarked
package dev.marmot.sqlite.sample;

import org.jspecify.annotations.NullMarked;
