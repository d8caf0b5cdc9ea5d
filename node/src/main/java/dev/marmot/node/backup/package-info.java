/** {@code marmot snapshot save}: a snapshot of the running node in a file that anybody may keep. */
@NullMarked
package dev.marmot.node.backup;

import org.jspecify.annotations.NullMarked;
