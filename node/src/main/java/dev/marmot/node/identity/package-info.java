/**
 * Who this node is: what its directory, its SQLite file, its options and its peers say about it,
 * and whether they agree. A node that is not sure who it is does not start.
 */
@NullMarked
package dev.marmot.node.identity;

import org.jspecify.annotations.NullMarked;
