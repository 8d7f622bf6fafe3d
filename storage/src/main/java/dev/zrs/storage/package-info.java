/** The file storage: Data.fs, its index and its blobs. */
@NullMarked
package dev.zrs.storage;

import org.jspecify.annotations.NullMarked;
