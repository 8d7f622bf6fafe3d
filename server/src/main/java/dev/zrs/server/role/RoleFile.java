package dev.zrs.server.role;

import dev.zrs.zconfig.Address;
import dev.zrs.zconfig.BadValueException;
import dev.zrs.zconfig.ConfigException;
import dev.zrs.zconfig.DataTypes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The small file beside {@code Data.fs} that says which role an operator gave the storage while the
 * server ran, so that a restart does not take it back. It names what zeo.conf said then: as long as
 * zeo.conf still says that, the file goes before it. Not for concurrent use.
 *
 * <p>Format: lines of {@code name: value}; {@code role} (primary, secondary), {@code upstream} (of
 * a secondary), {@code configured} (replicate-from in zeo.conf, or none), {@code since}, and where
 * it was written: {@code host}, {@code file}, {@code inode}. A file that was copied to another
 * server, together with all that is beside {@code Data.fs}, has another inode, and is on another
 * host or at another path. One of these alone may change: a host gets another name, a folder is
 * moved or restored.
 */
public final class RoleFile {
  private static final String NONE = "none";
  private static final int MAX_SIZE = 4_096;

  private final Path path;

  /** Of the storage with this data file. */
  public RoleFile(Path dataFile) {
    this.path = dataFile.resolveSibling(dataFile.getFileName() + ".role");
  }

  /** Where it is. */
  public Path path() {
    return path;
  }

  /**
   * What it says.
   *
   * @param configured replicate-from of zeo.conf when it was written; empty if there was none
   * @param since when it was written, as text
   * @param copiedFrom where it was written, if that was by another server; empty if by this one
   */
  public record Entry(
      Role role, Optional<String> configured, String since, Optional<String> copiedFrom) {}

  /**
   * Reads it.
   *
   * @return empty if there is none
   * @throws RoleException if it can't be understood
   */
  public Optional<Entry> read() {
    if (!Files.exists(path)) {
      return Optional.empty();
    }
    try {
      if (Files.size(path) > MAX_SIZE) {
        throw new IllegalArgumentException("it is too large");
      }
      Map<String, String> values = new HashMap<>();
      new String(Files.readAllBytes(path), StandardCharsets.UTF_8)
          .lines()
          .forEach(
              line -> {
                int colon = line.indexOf(": ");
                values.put(
                    colon < 0 ? line : line.substring(0, colon),
                    colon < 0 ? "" : line.substring(colon + 2).strip());
              });
      return Optional.of(entry(values));
    } catch (IllegalArgumentException | ConfigException e) {
      throw new RoleException(
          ("the role file %s is damaged (%s), so that it is not known what zrs promote or follow"
                  + " said last. See that zeo.conf is right, then run: zrs role --clear -C zeo.conf")
              .formatted(path, e.getMessage()),
          e);
    } catch (IOException e) {
      throw new RoleException("the role file %s can't be read: %s".formatted(path, e), e);
    }
  }

  private Entry entry(Map<String, String> values) throws IOException {
    String configured = values.getOrDefault("configured", NONE);
    String role = values.getOrDefault("role", "");
    return new Entry(
        switch (role) {
          case "primary" -> new Role.Primary();
          case "secondary" -> new Role.Secondary(address(values.getOrDefault("upstream", "")));
          default -> throw new IllegalArgumentException("it has no role '" + role + "'");
        },
        configured.equals(NONE) ? Optional.empty() : Optional.of(configured),
        values.getOrDefault("since", "?"),
        copiedFrom(values));
  }

  private Optional<String> copiedFrom(Map<String, String> values) throws IOException {
    String inode = values.get("inode");
    String host = values.getOrDefault("host", "?");
    String file = values.getOrDefault("file", "?");
    boolean moved = !file.equals(absolute()) || !host.equals(HostName.get());
    return inode != null && moved && !inode.equals(inode(path))
        ? Optional.of(file + " at " + host)
        : Optional.empty();
  }

  private String absolute() {
    return path.toAbsolutePath().normalize().toString();
  }

  private static String inode(Path file) throws IOException {
    return String.valueOf(Files.getAttribute(file, "unix:ino"));
  }

  /**
   * Reads the address of an upstream.
   *
   * @throws BadValueException if it is none that can be connected to
   */
  public static Address address(String text) {
    Address address;
    try {
      address = DataTypes.SOCKET_CONNECTION_ADDRESS.parse(text);
    } catch (BadValueException e) {
      throw new BadValueException("'%s' is no HOST:PORT: %s".formatted(text, e.getMessage()));
    }
    if (address instanceof Address.Inet inet && inet.port().orElse(0) == 0) {
      throw new BadValueException("'" + text + "' has no port (HOST:PORT is needed)");
    }
    return address;
  }

  /**
   * Writes it, durably.
   *
   * @throws RoleException if it can't be written; an older one is still there then
   */
  public void write(Role role, Optional<Address> configured, Instant now) {
    Path temporary = path.resolveSibling(path.getFileName() + ".new");
    try {
      Optional<byte[]> before =
          Files.exists(path) ? Optional.of(Files.readAllBytes(path)) : Optional.empty();
      try (FileChannel file =
          FileChannel.open(
              temporary,
              StandardOpenOption.WRITE,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING)) {
        ByteBuffer bytes =
            ByteBuffer.wrap(
                text(role, configured, now, inode(temporary)).getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
          file.write(bytes);
        }
        file.force(true);
      }
      Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
      syncDirectory(before);
    } catch (IOException e) {
      throw new RoleException("the role file %s can't be written: %s".formatted(path, e), e);
    }
  }

  /** After a failure the file must say again what the server goes on to be. */
  private void syncDirectory(Optional<byte[]> before) throws IOException {
    try {
      syncDirectory();
    } catch (IOException e) {
      try {
        if (before.isPresent()) {
          Files.write(path, before.get());
        } else {
          Files.delete(path);
        }
      } catch (IOException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
  }

  private String text(Role role, Optional<Address> configured, Instant now, String inode) {
    return "role: %s%n%sconfigured: %s%nsince: %s%nhost: %s%nfile: %s%ninode: %s%n"
        .formatted(
            role instanceof Role.Primary ? "primary" : "secondary",
            role instanceof Role.Secondary secondary
                ? "upstream: %s%n".formatted(secondary.upstream().text())
                : "",
            configured.map(Address::text).orElse(NONE),
            now.truncatedTo(ChronoUnit.SECONDS),
            HostName.get(),
            absolute(),
            inode);
  }

  /**
   * Removes it.
   *
   * @return whether there was one
   * @throws RoleException if it can't be removed
   */
  public boolean clear() {
    try {
      boolean was = Files.deleteIfExists(path);
      syncDirectory();
      return was;
    } catch (IOException e) {
      throw new RoleException("the role file %s can't be removed: %s".formatted(path, e), e);
    }
  }

  private void syncDirectory() throws IOException {
    Path directory = path.toAbsolutePath().getParent();
    if (directory != null) {
      try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }
}
