/** Addresses of servers in ZooKeeper, in the form of zc.zk: registered, and looked up. */
@NullMarked
package dev.zrs.zookeeper;

import org.jspecify.annotations.NullMarked;
