/**
 * What a SQLite file declares: tables, keys, UNIQUE indexes, user triggers; which of it replicates.
 *
 * <p>{@link dev.marmot.sqlite.schema.TableSchema} is the description of one table; everything here
 * is immutable or pure, and reads through a connection that it is given.
 */
@NullMarked
package dev.marmot.sqlite.schema;

import org.jspecify.annotations.NullMarked;
