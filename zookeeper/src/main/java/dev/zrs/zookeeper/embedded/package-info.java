/** A ZooKeeper server within the process, for demonstrations. Nothing else may refer to it. */
@NullMarked
package dev.zrs.zookeeper.embedded;

import org.jspecify.annotations.NullMarked;
