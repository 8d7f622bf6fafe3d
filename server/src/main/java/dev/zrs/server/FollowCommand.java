package dev.zrs.server;

import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code zrs follow}. */
@Command(
    name = "follow",
    description = {
      "Makes a running server a secondary of another one, also for its next starts.",
      "The ZEO clients of a primary are disconnected, so that writers find the new one."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class FollowCommand extends ControlCommand {
  @Parameters(
      paramLabel = "HOST:PORT",
      description =
          "where the upstream sends from: its replicate-to; or the path of a unix socket; or, where"
              + " zeo.conf has a zookeeper, the path below which it is registered")
  private String upstream = "";

  @Option(
      names = "--storage",
      paramLabel = "NAME",
      defaultValue = "",
      description = "which storage, if several are in <zrs> sections")
  private String storage = "";

  @Option(
      names = "--accept-packed",
      description =
          "go on, once, where the upstream does not have our last transaction: only if you know"
              + " that a pack removed it there")
  private boolean acceptPacked;

  @Override
  List<String> words() {
    return acceptPacked
        ? List.of(NodeCommands.FOLLOW, storage, upstream, NodeCommands.ACCEPT_PACKED)
        : List.of(NodeCommands.FOLLOW, storage, upstream);
  }
}
