@NullMarked
package dev.marmot.node.replication;

import org.jspecify.annotations.NullMarked;
