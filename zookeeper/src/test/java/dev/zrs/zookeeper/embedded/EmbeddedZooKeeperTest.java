package dev.zrs.zookeeper.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
final class EmbeddedZooKeeperTest {
  @TempDir private Path directory = Path.of("unset");

  private static CuratorFramework client(EmbeddedZooKeeper server) {
    CuratorFramework client =
        CuratorFrameworkFactory.newClient(server.connectString(), new RetryNTimes(20, 500));
    client.start();
    return client;
  }

  @Test
  void it_serves_and_keeps_its_data() throws Exception {
    byte[] data = "kept".getBytes(StandardCharsets.US_ASCII);
    Path folder = directory.resolve("new/folder");
    try (EmbeddedZooKeeper server = EmbeddedZooKeeper.start(folder, 0);
        CuratorFramework client = client(server)) {
      client.create().forPath("/node", data);
    }
    try (EmbeddedZooKeeper server = EmbeddedZooKeeper.start(folder, 0);
        EmbeddedZooKeeper other = EmbeddedZooKeeper.start(directory.resolve("other"), 0);
        CuratorFramework client = client(server);
        CuratorFramework otherClient = client(other)) {
      assertThat(client.getData().forPath("/node")).isEqualTo(data);
      assertThat(otherClient.checkExists().forPath("/node")).isNull();
    }
  }

  @Test
  void a_folder_that_is_none_is_named() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "x");
    assertThatThrownBy(() -> EmbeddedZooKeeper.start(file, 0))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(file.toString());
  }
}
