/** Tests of the schema reader and the canonical keys. */
@NullMarked
package dev.marmot.sqlite.schema;

import org.jspecify.annotations.NullMarked;
