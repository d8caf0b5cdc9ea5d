/**
 * {@code marmot verify}: compares the files of all nodes at one position of the order log.
 *
 * <p>A fence says where; each node keeps a reading of its file as it is there ({@link
 * dev.marmot.node.verify.VerifyReadings}) and hashes it while writes go on; the node that was asked
 * compares ({@link dev.marmot.node.verify.Verifier}) and has the majority's rows sent again if it
 * shall repair.
 */
@NullMarked
package dev.marmot.node.verify;

import org.jspecify.annotations.NullMarked;
