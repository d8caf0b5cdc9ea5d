@NullMarked
package dev.marmot.node;

import org.jspecify.annotations.NullMarked;
