/**
 * What an operator can choose. {@link dev.marmot.node.config.NodeConfigLoader} checks every value
 * and reports all faults together; {@link dev.marmot.node.config.NodeConfig} is what it lets
 * through. Everything here is immutable.
 */
@NullMarked
package dev.marmot.node.config;

import org.jspecify.annotations.NullMarked;
