/** The ZEO protocol and server. */
@NullMarked
package dev.zrs.zeo;

import org.jspecify.annotations.NullMarked;
