/** Tests of what nodes ask each other. */
@org.jspecify.annotations.NullMarked
package dev.marmot.node.peer;
