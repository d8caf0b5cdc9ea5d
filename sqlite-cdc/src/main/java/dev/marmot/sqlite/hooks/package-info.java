/**
 * What Marmot leaves in the application's file so that changes are logged: triggers, the tables
 * into which they write, and how all of it gets in and out again.
 *
 * <p>{@link dev.marmot.sqlite.hooks.HookSql} is the text of the hooks, {@link
 * dev.marmot.sqlite.hooks.Hooks} brings a file up to it in one transaction, {@link
 * dev.marmot.sqlite.hooks.Cleanup} removes every trace, {@link
 * dev.marmot.sqlite.hooks.DatabaseFile} opens connections. A connection belongs to its caller's
 * thread.
 */
@NullMarked
package dev.marmot.sqlite.hooks;

import org.jspecify.annotations.NullMarked;
