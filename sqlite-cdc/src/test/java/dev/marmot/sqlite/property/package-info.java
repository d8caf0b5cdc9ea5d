/**
 * Random schemas and statements: hooks change nothing that an application sees, files stay equal.
 */
@NullMarked
package dev.marmot.sqlite.property;

import org.jspecify.annotations.NullMarked;
