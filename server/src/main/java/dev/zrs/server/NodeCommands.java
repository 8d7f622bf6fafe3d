package dev.zrs.server;

import dev.zrs.server.control.Reply;
import dev.zrs.server.directory.DirectoryException;
import dev.zrs.server.role.RoleException;
import dev.zrs.server.role.RoleFile;
import dev.zrs.zconfig.Address;
import dev.zrs.zconfig.BadValueException;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a running server does for {@code zrs status}, {@code promote} and {@code follow}. Any thread
 * may call. A command is its name and, for the last two, the storage (empty if there is only one).
 */
final class NodeCommands implements Function<List<String>, Reply> {
  static final String STATUS = "status";
  static final String PROMOTE = "promote";
  static final String FOLLOW = "follow";
  static final String JSON = "json";
  static final String FORCE = "force";
  static final String ACCEPT_PACKED = "accept-packed";

  private static final Logger LOG = LoggerFactory.getLogger("ZEO.runzeo");

  private final Node node;
  private final InstantSource clock;

  NodeCommands(Node node, InstantSource clock) {
    this.node = node;
    this.clock = clock;
  }

  @Override
  public Reply apply(List<String> words) {
    try {
      return switch (words.getFirst()) {
        case STATUS -> new Reply(Main.GOOD, status(words.contains(JSON)));
        case PROMOTE ->
            new Reply(Main.GOOD, replicated(words.get(1)).promote(words.contains(FORCE)));
        case FOLLOW -> follow(words);
        default -> new Reply(Main.USAGE, "this server does not know '" + words.getFirst() + "'");
      };
    } catch (RoleException | DirectoryException e) {
      return new Reply(Main.BAD, String.valueOf(e.getMessage()));
    } catch (BadValueException e) {
      return new Reply(Main.USAGE, String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      LOG.error("the command {} failed", words, e);
      return new Reply(Main.BAD, "unexpected error, see the log: " + e);
    }
  }

  private String status(boolean json) {
    StatusReport report = new StatusReport(node, clock.instant());
    return json ? report.json() : report.text();
  }

  private Reply follow(List<String> words) {
    Address upstream = RoleFile.address(words.get(2));
    return new Reply(
        Main.GOOD, replicated(words.get(1)).follow(upstream, words.contains(ACCEPT_PACKED)));
  }

  private String names() {
    return node.replicated().keySet().stream()
        .map("'%s'"::formatted)
        .collect(Collectors.joining(", "));
  }

  private ReplicatedStorage replicated(String name) {
    if (name.isEmpty() && node.replicated().size() == 1) {
      return node.replicated().values().iterator().next();
    }
    ReplicatedStorage storage = node.replicated().get(name);
    if (storage == null) {
      throw new RoleException(
          name.isEmpty()
              ? node.replicated().isEmpty()
                  ? "no storage of this server is in a <zrs> section"
                  : "say which one with --storage: " + names()
              : "storage '%s' is in no <zrs> section of this server; it has %s"
                  .formatted(name, names()));
    }
    return storage;
  }
}
