/** The directory in ZooKeeper; all that needs its libraries is here, and loaded only when used. */
@NullMarked
package dev.zrs.server.zookeeper;

import org.jspecify.annotations.NullMarked;
