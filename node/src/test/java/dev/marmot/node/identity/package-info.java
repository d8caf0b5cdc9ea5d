/** Tests of who a node is. */
@org.jspecify.annotations.NullMarked
package dev.marmot.node.identity;
