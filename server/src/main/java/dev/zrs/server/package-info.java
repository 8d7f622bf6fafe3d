/** The program: configuration, wiring, command line. */
@NullMarked
package dev.zrs.server;

import org.jspecify.annotations.NullMarked;
