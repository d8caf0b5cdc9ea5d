/** Tests. */
@NullMarked
package dev.marmot.sqlite.codec;

import org.jspecify.annotations.NullMarked;
