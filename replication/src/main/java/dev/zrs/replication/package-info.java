/** The ZRS replication protocol: primary and secondary. */
@NullMarked
package dev.zrs.replication;

import org.jspecify.annotations.NullMarked;
