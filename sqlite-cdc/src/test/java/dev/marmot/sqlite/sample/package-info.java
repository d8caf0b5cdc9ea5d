@NullMarked
package dev.marmot.sqlite.sample;

import org.jspecify.annotations.NullMarked;
