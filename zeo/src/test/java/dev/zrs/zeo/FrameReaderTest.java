package dev.zrs.zeo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class FrameReaderTest {
  private static byte[] stream(List<byte[]> frames) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    for (byte[] frame : frames) {
      out.writeInt(frame.length);
      out.write(frame);
    }
    return bytes.toByteArray();
  }

  @Test
  void framesAreTheSameHoweverTheyArrive() throws IOException {
    Random random = new Random(7);
    List<byte[]> frames = new ArrayList<>();
    for (int size : new int[] {0, 1, 63, 8187, 8188, 8189, 8192, 70_000, 3, 200_000, 0, 12}) {
      byte[] frame = new byte[size];
      random.nextBytes(frame);
      frames.add(frame);
    }
    byte[] stream = stream(frames);
    for (int[] pieces :
        new int[][] {{1}, {3}, {4}, {4, 1}, {8192}, {1, 100_000}, {Integer.MAX_VALUE}}) {
      FrameReader reader = new FrameReader(new FakeConnection(stream, pieces), 1 << 20);
      for (byte[] frame : frames) {
        assertThat(reader.next()).isTrue();
        assertThat(
                Arrays.copyOfRange(
                    reader.buffer(), reader.offset(), reader.offset() + reader.length()))
            .isEqualTo(frame);
      }
      assertThat(reader.hasFrame()).isFalse();
      assertThat(reader.next()).isFalse();
    }
  }

  @Test
  void bufferStopsGrowingWhereAllConnectionsHoldTooMuch() throws IOException {
    BufferMemory memory = new BufferMemory(300_000);
    byte[] stream = stream(List.of(new byte[10], new byte[1 << 20]));
    FrameReader reader = new FrameReader(new FakeConnection(stream, 10_000), 1 << 20);
    reader.countIn(memory.join("one", () -> {}));
    assertThat(reader.next()).isTrue();
    assertThat(reader.next()).isFalse();
    assertThat(reader.buffer().length).isLessThanOrEqualTo(300_000);
    assertThat(memory.total()).isZero();
  }

  @Test
  void tellsWhetherFrameIsThere() throws IOException {
    byte[] stream = stream(List.of(new byte[] {1}, new byte[] {2}, new byte[] {3}));
    FrameReader reader = new FrameReader(new FakeConnection(stream, 10, 5), 100);
    assertThat(reader.hasFrame()).isFalse();
    reader.next();
    assertThat(reader.hasFrame()).isTrue();
    reader.next();
    assertThat(reader.hasFrame()).isFalse();
    assertThat(reader.next()).isTrue();
  }

  @Test
  void refusesLongFrames() {
    FrameReader reader = new FrameReader(new FakeConnection(new byte[] {0, 0, 4, 1}, 4), 1024);
    assertThatThrownBy(reader::next)
        .isInstanceOf(ProtocolException.class)
        .hasMessage("a message of 1025 bytes; at most 1024 are allowed");
    FrameReader negative =
        new FrameReader(new FakeConnection(new byte[] {-1, -1, -1, -1}, 4), 1 << 29);
    assertThatThrownBy(negative::next)
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining("4294967295");
  }

  @Test
  void memoryFollowsWhatArrivedNotWhatIsAnnounced() throws IOException {
    byte[] stream = new byte[100_000];
    stream[0] = 0x1f;
    FrameReader reader = new FrameReader(new FakeConnection(stream, 1000), 1 << 29);
    assertThat(reader.next()).isFalse();
    assertThat(reader.buffer().length).isLessThanOrEqualTo(2 * stream.length);
  }
}
