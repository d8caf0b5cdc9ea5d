/** Tests of the hooks on real files. */
@NullMarked
package dev.marmot.sqlite.hooks;

import org.jspecify.annotations.NullMarked;
