/** Tests. */
@NullMarked
package dev.marmot.sqlite.store;

import org.jspecify.annotations.NullMarked;
