/** The ZConfig configuration language. */
@NullMarked
package dev.zrs.zconfig;

import org.jspecify.annotations.NullMarked;
