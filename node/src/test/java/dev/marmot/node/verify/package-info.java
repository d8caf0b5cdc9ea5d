/** Tests of how nodes are compared. */
@org.jspecify.annotations.NullMarked
package dev.marmot.node.verify;
