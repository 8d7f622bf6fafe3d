/** Which role a storage has, where that is not for zeo.conf alone to say. */
@NullMarked
package dev.zrs.server.role;

import org.jspecify.annotations.NullMarked;
