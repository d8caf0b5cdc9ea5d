/**
 * The control pane: one port that speaks gRPC and HTTP/JSON, both thin translators over {@link
 * dev.marmot.node.control.ControlPlane}, and the client that the command line uses.
 *
 * <p>Requests arrive on the event loop, which never runs a handler: a small pool does.
 */
@NullMarked
package dev.marmot.node.control;

import org.jspecify.annotations.NullMarked;
