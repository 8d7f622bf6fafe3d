package dev.zrs.server.config;

/** What the configuration takes as a path, for those who are given one in another way. */
public final class ConfigPaths {
  private ConfigPaths() {}

  /**
   * A path of ZooKeeper.
   *
   * @throws dev.zrs.zconfig.BadValueException if it can be none
   */
  public static void requireNode(String path) {
    RunzeoTypes.NODE_PATH.parse(path);
  }
}
