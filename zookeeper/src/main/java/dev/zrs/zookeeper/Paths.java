package dev.zrs.zookeeper;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.KeeperException;

/**
 * Finds the node that a path leads to. A name that does not exist may be a link of zc.zk: the node
 * above has a property {@code NAME ->} with the path that it stands for, from the root or from that
 * node on. For one thread.
 */
final class Paths {
  private static final String LINK = " ->";

  private final CuratorFramework client;
  private final Set<String> followed = new HashSet<>();

  private Paths(CuratorFramework client) {
    this.client = client;
  }

  /**
   * Follows links.
   *
   * @return the path of a node that exists, unless it vanishes meanwhile
   * @throws KeeperException.NoNodeException with the path for which there is neither node nor link
   * @throws ZooKeeperException if links lead in a circle
   */
  static String resolve(CuratorFramework client, String path) throws Exception {
    return new Paths(client).resolve(normal(path));
  }

  private String resolve(String path) throws Exception {
    if (client.checkExists().forPath(path) != null) {
      return path;
    }
    if (path.equals("/")) {
      // The path in the connection string, below which all is, does not exist.
      throw new KeeperException.NoNodeException(path);
    }
    int slash = path.lastIndexOf('/');
    String name = path.substring(slash + 1);
    String base = resolve(slash == 0 ? "/" : path.substring(0, slash));
    String below = below(base, name);
    if (!below.equals(path) && client.checkExists().forPath(below) != null) {
      return below;
    }
    String target = Properties.strings(client.getData().forPath(base)).get(name + LINK);
    if (target == null || target.isEmpty()) {
      throw new KeeperException.NoNodeException(below);
    }
    if (!followed.add(below)) {
      throw new ZooKeeperException("the links of " + below + " lead in a circle", null);
    }
    return resolve(normal(target.startsWith("/") ? target : below(base, target)));
  }

  /** The path of a child. */
  static String below(String base, String name) {
    return base.equals("/") ? "/" + name : base + "/" + name;
  }

  /** Without {@code .}, {@code ..} and empty names. */
  private static String normal(String path) {
    List<String> names = new ArrayList<>();
    for (String name : path.split("/", -1)) {
      if (name.equals("..")) {
        if (!names.isEmpty()) {
          names.removeLast();
        }
      } else if (!name.isEmpty() && !name.equals(".")) {
        names.add(name);
      }
    }
    return "/" + String.join("/", names);
  }
}
