/** How commands on the same machine speak to a running server. */
@NullMarked
package dev.zrs.server.control;

import org.jspecify.annotations.NullMarked;
