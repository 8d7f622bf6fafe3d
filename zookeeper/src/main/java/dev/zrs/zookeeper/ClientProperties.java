package dev.zrs.zookeeper;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.zookeeper.client.ZKClientConfig;
import org.apache.zookeeper.common.ClientX509Util;
import org.apache.zookeeper.common.ConfigException;
import org.apache.zookeeper.common.X509Exception;

/** A file with ZooKeeper's own client properties. What is wrong in it is found before any use. */
final class ClientProperties {
  private ClientProperties() {}

  /**
   * Reads it.
   *
   * @throws ZooKeeperException if it can't be read, or what it says of TLS does not work
   */
  static ZKClientConfig read(Path file) {
    try (InputStream stream = Files.newInputStream(file)) {
      // Read here first, as ZooKeeper's own reader writes a stack trace to the log.
      new Properties().load(stream);
      // Or the JVM warns, at each start, of the way in which Netty takes its memory.
      System.getProperties().putIfAbsent("io.netty.noUnsafe", "true");
      ZKClientConfig settings = new ZKClientConfig(file);
      if (settings.getBoolean(ZKClientConfig.SECURE_CLIENT)) {
        checkTls(file, settings);
      }
      return settings;
    } catch (NoSuchFileException e) {
      throw new ZooKeeperException("there is no file %s with client properties".formatted(file), e);
    } catch (IOException | IllegalArgumentException | ConfigException e) {
      throw new ZooKeeperException(
          "the client properties %s can't be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** Later nobody would say why no connection comes to be. */
  private static void checkTls(Path file, ZKClientConfig settings) {
    try (ClientX509Util tls = new ClientX509Util()) {
      tls.createSSLContext(settings);
    } catch (X509Exception e) {
      Throwable cause = e;
      while (cause instanceof X509Exception && cause.getCause() != null) {
        cause = cause.getCause();
      }
      throw new ZooKeeperException(
          "TLS can't be set up with the client properties %s: %s: %s"
              .formatted(file, e.getMessage(), cause.getMessage()),
          e);
    }
  }
}
