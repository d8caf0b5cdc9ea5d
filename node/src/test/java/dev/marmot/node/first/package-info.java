/** Tests of the first comparison. */
@org.jspecify.annotations.NullMarked
package dev.marmot.node.first;
