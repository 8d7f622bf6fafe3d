package dev.zrs.server;

import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code zrs promote}. */
@Command(
    name = "promote",
    description = {
      "Makes a running secondary the primary, also for its next starts.",
      "Its ZEO clients are disconnected, so that those that want to write come back. Refused where"
          + " it is known that transactions of the upstream would be lost."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class PromoteCommand extends ControlCommand {
  @Option(
      names = "--storage",
      paramLabel = "NAME",
      defaultValue = "",
      description = "which storage, if several are in <zrs> sections")
  private String storage = "";

  @Option(names = "--force", description = "also if transactions of the upstream are lost")
  private boolean force;

  @Override
  List<String> words() {
    return force
        ? List.of(NodeCommands.PROMOTE, storage, NodeCommands.FORCE)
        : List.of(NodeCommands.PROMOTE, storage);
  }
}
