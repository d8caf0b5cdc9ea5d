@NullMarked
package dev.marmot.node.config;

import org.jspecify.annotations.NullMarked;
