/** Tests of the examination of files. */
@NullMarked
package dev.marmot.sqlite.doctor;

import org.jspecify.annotations.NullMarked;
