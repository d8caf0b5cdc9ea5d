@NullMarked
package dev.marmot.node.cli;

import org.jspecify.annotations.NullMarked;
