/**
 * Row images to bytes and back: protobuf rows in zstd frames, cut into pieces that fit a log entry.
 *
 * <p>{@link dev.marmot.sqlite.codec.ChangeSetCodec} and {@link dev.marmot.sqlite.codec.Slicer} are
 * pure functions; everything here may be called from any thread.
 */
@NullMarked
package dev.marmot.sqlite.codec;

import org.jspecify.annotations.NullMarked;
