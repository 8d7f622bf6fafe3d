/** Python-style logging over logback: the same configuration and the same lines as runzeo's. */
@NullMarked
package dev.zrs.server.logging;

import org.jspecify.annotations.NullMarked;
