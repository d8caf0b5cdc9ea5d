/** Files of ours beside the raft logs: {@link dev.marmot.raft.file.DurableFile} writes them. */
@NullMarked
package dev.marmot.raft.file;

import org.jspecify.annotations.NullMarked;
