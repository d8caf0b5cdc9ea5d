/** Snapshots between nodes: made by a donor, fetched in blocks, installed where they are needed. */
@NullMarked
package dev.marmot.node.snapshot;

import org.jspecify.annotations.NullMarked;
