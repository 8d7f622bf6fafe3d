package dev.zrs.zookeeper;

import java.util.List;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.data.ACL;

/**
 * Who may do what with a node that is made. Whether anybody may remove it is for the node above to
 * say.
 */
public enum NodeAcl {
  /** Everybody may read it: what zc.zk gives to what it registers. */
  READ,

  /** Everybody may do everything. */
  OPEN,

  /** Who has made it may do everything, and nobody else anything. */
  CREATOR;

  List<ACL> rights() {
    return switch (this) {
      case READ -> ZooDefs.Ids.READ_ACL_UNSAFE;
      case OPEN -> ZooDefs.Ids.OPEN_ACL_UNSAFE;
      case CREATOR -> ZooDefs.Ids.CREATOR_ALL_ACL;
    };
  }
}
