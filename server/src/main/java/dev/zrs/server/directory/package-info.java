/**
 * Where servers are registered, so that others find them: what the rest of the server knows of it.
 */
@NullMarked
package dev.zrs.server.directory;

import org.jspecify.annotations.NullMarked;
