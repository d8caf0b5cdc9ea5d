/** Joins the modules into a running node; see {@link dev.marmot.node.Node}. */
@NullMarked
package dev.marmot.node;

import org.jspecify.annotations.NullMarked;
