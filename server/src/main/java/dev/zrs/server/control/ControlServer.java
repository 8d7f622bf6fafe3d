package dev.zrs.server.control;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the commands of operators on a unix socket that only the server's own user can open. Any
 * thread may call.
 */
public final class ControlServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.runzeo");
  private static final int MAX_CONNECTIONS = 8;
  private static final int USAGE = 2;
  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final Duration REQUEST_LIMIT = Duration.ofSeconds(10);

  private final ServerSocketChannel channel;
  private final Path path;
  private final Function<List<String>, Reply> commands;
  private final Semaphore room = new Semaphore(MAX_CONNECTIONS);

  private ControlServer(
      ServerSocketChannel channel, Path path, Function<List<String>, Reply> commands) {
    this.channel = channel;
    this.path = path;
    this.commands = commands;
  }

  /**
   * Listens; a socket that a killed server left is replaced. One that answers, or a file of another
   * kind, is not.
   *
   * @param commands runs a command, on a thread of its own; several may run at a time
   * @throws ControlException if it can't listen there
   */
  public static ControlServer open(Path path, Function<List<String>, Reply> commands) {
    try {
      if (SocketFile.isStale(path)) {
        LOG.info("replacing the control socket {}, where nobody answers", path);
      }
      // Made where nobody else can reach it, and given its name when it has its permissions.
      Path directory = privateDirectory(path.toAbsolutePath());
      Path fresh = directory.resolve("s");
      ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      boolean open = false;
      try {
        channel.bind(UnixDomainSocketAddress.of(fresh));
        Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-------"));
        Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
        open = true;
      } finally {
        Files.deleteIfExists(fresh);
        Files.delete(directory);
        if (!open) {
          channel.close();
        }
      }
      ControlServer server = new ControlServer(channel, path, commands);
      Thread.ofPlatform().name("zrs control").daemon().start(server::accept);
      return server;
    } catch (IOException | IllegalArgumentException e) {
      throw new ControlException("no control socket at %s: %s".formatted(path, e.getMessage()), e);
    }
  }

  /** Beside the file, with a short name, as the path of a socket has 106 bytes at most. */
  private static Path privateDirectory(Path file) throws IOException {
    while (true) {
      String name = "." + Integer.toString(ThreadLocalRandom.current().nextInt(1 << 20), 36);
      try {
        return Files.createDirectory(
            file.resolveSibling(name),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      } catch (FileAlreadyExistsException e) {
        LOG.debug("{} is taken, trying another name", name);
      }
    }
  }

  private void accept() {
    while (channel.isOpen()) {
      try {
        room.acquire();
        SocketChannel client = channel.accept();
        Thread.ofVirtual().name("zrs control client").start(() -> serve(client));
      } catch (IOException e) {
        room.release();
        if (channel.isOpen() && !pauseAfter(e)) {
          return;
        }
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /** Most likely there are no file descriptors, and will be none at once. */
  private static boolean pauseAfter(IOException e) {
    LOG.error("taking a command failed: {}", e.toString());
    try {
      Thread.sleep(PAUSE);
      return true;
    } catch (InterruptedException interrupt) {
      return false;
    }
  }

  private void serve(SocketChannel client) {
    CountDownLatch asked = new CountDownLatch(1);
    try (client) {
      Thread.ofVirtual().start(() -> limit(client, asked));
      List<String> words = read(client);
      asked.countDown();
      Reply reply =
          words.isEmpty() ? new Reply(USAGE, "there is no command in this") : commands.apply(words);
      ByteArrayOutputStream answer = new ByteArrayOutputStream();
      answer.write('0' + reply.code());
      answer.write(reply.text().getBytes(StandardCharsets.UTF_8));
      ByteBuffer bytes = ByteBuffer.wrap(answer.toByteArray());
      while (bytes.hasRemaining()) {
        client.write(bytes);
      }
    } catch (IOException e) {
      LOG.debug("a client of the control socket: {}", e.toString());
    } finally {
      asked.countDown();
      room.release();
    }
  }

  private static void limit(SocketChannel client, CountDownLatch asked) {
    try {
      if (!asked.await(REQUEST_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
        client.close();
      }
    } catch (IOException | InterruptedException e) {
      LOG.debug("a client of the control socket: {}", e.toString());
    }
  }

  /** The words of the command; none if they are no good. */
  private static List<String> read(SocketChannel client) throws IOException {
    byte[] request = Channels.newInputStream(client).readNBytes(ControlSocket.MAX_REQUEST + 1);
    if (request.length > ControlSocket.MAX_REQUEST) {
      return List.of();
    }
    List<String> words = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < request.length; i++) {
      if (request[i] == 0) {
        words.add(new String(request, start, i - start, StandardCharsets.UTF_8));
        start = i + 1;
      }
    }
    return words;
  }

  @Override
  public void close() {
    try {
      channel.close();
      Files.deleteIfExists(path);
    } catch (IOException e) {
      LOG.warn("closing the control socket failed: {}", e.toString());
    }
  }
}
