/** The ZEO protocol (Z5) and its server: {@link dev.zrs.zeo.ZeoServer}. */
@NullMarked
package dev.zrs.zeo;

import org.jspecify.annotations.NullMarked;
