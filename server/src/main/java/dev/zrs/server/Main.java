package dev.zrs.server;

import java.util.Objects;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line: {@code zrs COMMAND …}. Exit codes: 0 good, 1 bad, 2 usage or configuration. */
@Command(
    name = "zrs",
    description = "A replicated ZEO server for ZODB databases.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = {
      ServeCommand.class,
      DemoCommand.class,
      StatusCommand.class,
      PromoteCommand.class,
      FollowCommand.class,
      RoleCommand.class,
      NagiosCommand.class,
      PackCommand.class,
      CheckCommand.class,
      DumpCommand.class,
      RecoverCommand.class,
      ZooKeeperCommand.class
    })
public final class Main implements Runnable {
  /** Everything went well. */
  static final int GOOD = 0;

  /** It did not work. */
  static final int BAD = 1;

  /** What was asked for can't be understood. */
  static final int USAGE = 2;

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Runs the program and ends the process with its exit code. */
  public static void main(String[] arguments) {
    CommandLine commands = new CommandLine(new Main());
    // As the options of runzeo can be.
    Objects.requireNonNull(commands.getSubcommands().get("serve"))
        .setAbbreviatedOptionsAllowed(true);
    System.exit(commands.execute(arguments));
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "say what to do: serve, demo, status, promote, follow, role, nagios, pack, check, dump, recover"
            + " or zookeeper");
  }
}
