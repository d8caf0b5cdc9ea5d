/** Tests of how snapshots travel. */
@org.jspecify.annotations.NullMarked
package dev.marmot.node.snapshot;
