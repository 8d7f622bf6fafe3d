package dev.zrs.server;

import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code zrs status}. */
@Command(
    name = "status",
    description = "Shows where a running server and its replication stand.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class StatusCommand extends ControlCommand {
  @Option(names = "--json", description = "for programs")
  private boolean json;

  @Override
  List<String> words() {
    return json ? List.of(NodeCommands.STATUS, NodeCommands.JSON) : List.of(NodeCommands.STATUS);
  }
}
