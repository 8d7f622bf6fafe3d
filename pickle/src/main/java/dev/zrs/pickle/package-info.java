/** Python's pickle format, as data. */
@NullMarked
package dev.zrs.pickle;

import org.jspecify.annotations.NullMarked;
