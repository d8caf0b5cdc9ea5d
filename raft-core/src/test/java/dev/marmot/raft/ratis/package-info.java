/** Tests on real clusters in one JVM. */
@NullMarked
package dev.marmot.raft.ratis;

import org.jspecify.annotations.NullMarked;
