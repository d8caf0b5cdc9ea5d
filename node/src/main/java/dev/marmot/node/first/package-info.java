/**
 * The first start of a cluster: the nodes compare what their files held when changes began to be
 * logged, and replicate only once nothing differs, or the operator has said whose content counts.
 *
 * <p>{@link dev.marmot.node.first.FirstStart} asks the others until {@link
 * dev.marmot.node.first.Comparison}, a pure function, says that all agree; {@link
 * dev.marmot.node.first.FirstContents} keeps a node's own content, and the agreement, in its file.
 */
@NullMarked
package dev.marmot.node.first;

import org.jspecify.annotations.NullMarked;
