/** Tests of the package of the same name. */
@NullMarked
package dev.marmot.sqlite.snapshot;

import org.jspecify.annotations.NullMarked;
