/**
 * What nodes ask each other besides Raft: who are you, have your changes ordered, tell me when you
 * stand there. Calls travel over the raft port ({@link dev.marmot.raft.RaftNode#call}).
 */
@NullMarked
package dev.marmot.node.peer;

import org.jspecify.annotations.NullMarked;
