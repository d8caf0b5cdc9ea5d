/** Real clusters: processes of the packaged jar, SQLite files that other programs write. */
@NullMarked
package dev.marmot.node.cluster;

import org.jspecify.annotations.NullMarked;
