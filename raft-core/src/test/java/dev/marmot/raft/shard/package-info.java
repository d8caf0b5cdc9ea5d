/** Tests of the decisions about leaders. */
@NullMarked
package dev.marmot.raft.shard;

import org.jspecify.annotations.NullMarked;
