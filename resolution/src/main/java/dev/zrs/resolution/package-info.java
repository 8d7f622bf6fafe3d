/**
 * Merges conflicting states of BTrees and lengths, as their own Python code does, on the pickles.
 */
@NullMarked
package dev.zrs.resolution;

import org.jspecify.annotations.NullMarked;
