/**
 * Examines a file before (or while) it is replicated and explains what it finds. Reads only.
 *
 * <p>{@link dev.marmot.sqlite.doctor.Doctor} is the entry, {@link dev.marmot.sqlite.doctor.Report}
 * what it says.
 */
@NullMarked
package dev.marmot.sqlite.doctor;

import org.jspecify.annotations.NullMarked;
