/** The configuration of the server: runzeo's schema, read into records. */
@NullMarked
package dev.zrs.server.config;

import org.jspecify.annotations.NullMarked;
