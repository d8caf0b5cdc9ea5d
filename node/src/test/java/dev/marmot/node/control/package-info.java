@NullMarked
package dev.marmot.node.control;

import org.jspecify.annotations.NullMarked;
