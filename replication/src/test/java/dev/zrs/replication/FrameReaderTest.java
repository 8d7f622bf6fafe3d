package dev.zrs.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.zrs.storage.Tid;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class FrameReaderTest {
  /** Gives a few bytes at a time, as a network does. */
  private static InputStream slowly(byte[] bytes, Random random) {
    return new ByteArrayInputStream(bytes) {
      @Override
      public synchronized int read(byte[] target, int offset, int length) {
        return super.read(target, offset, Math.min(length, 1 + random.nextInt(100_000)));
      }

      @Override
      public synchronized int available() {
        return random.nextInt(2);
      }
    };
  }

  @Test
  void frames_of_all_sizes_come_back_however_the_bytes_arrive() throws IOException {
    Random random = new Random(1);
    int[] sizes = {0, 1, 8, 65_536, (256 << 10) - 4, 256 << 10, (256 << 10) + 1, 3_000_000, 5};
    StreamBuilder builder = new StreamBuilder(Tid.NONE);
    byte[][] frames = new byte[sizes.length][];
    for (int i = 0; i < sizes.length; i++) {
      frames[i] = Replica.bytes(random, sizes[i]);
      builder.frame(frames[i]);
    }
    byte[] bytes = builder.bytes();
    FrameReader reader = new FrameReader(slowly(bytes, random), FrameReader.UNWATCHED);
    for (byte[] frame : frames) {
      assertThat(Arrays.equals(reader.next(3_000_000), frame)).isTrue();
    }
    assertThat(reader.received()).isEqualTo(bytes.length);
    assertThatThrownBy(() -> reader.next(8))
        .isInstanceOf(EOFException.class)
        .hasMessage("the connection was closed");
  }

  @Test
  void an_end_within_a_frame_is_told_from_one_between_frames() {
    byte[] bytes = new StreamBuilder(Tid.NONE).frame(new byte[10]).bytes();
    for (int length = 1; length < bytes.length; length++) {
      FrameReader reader =
          new FrameReader(new ByteArrayInputStream(bytes, 0, length), FrameReader.UNWATCHED);
      assertThatThrownBy(() -> reader.next(10))
          .isInstanceOf(EOFException.class)
          .hasMessage("the connection broke within a frame");
    }
  }

  @Test
  void an_announced_length_costs_no_memory() {
    byte[] bytes = new StreamBuilder(Tid.NONE).raw(0x7f, 0xff, 0xff, 0xff, 1, 2, 3).bytes();
    FrameReader reader = new FrameReader(new ByteArrayInputStream(bytes), FrameReader.UNWATCHED);
    assertThatThrownBy(() -> reader.next(Integer.MAX_VALUE)).isInstanceOf(EOFException.class);
  }

  @Test
  void the_hook_is_called_exactly_when_nothing_more_has_arrived() throws IOException {
    byte[] bytes = new StreamBuilder(Tid.NONE).frame(new byte[1]).frame(new byte[2]).bytes();
    AtomicInteger waits = new AtomicInteger();
    AtomicInteger ends = new AtomicInteger();
    FrameReader reader =
        new FrameReader(
            new ByteArrayInputStream(bytes),
            new FrameReader.Waiting() {
              @Override
              public void begins() {
                waits.incrementAndGet();
              }

              @Override
              public void ends() {
                ends.incrementAndGet();
              }
            });
    reader.next(8);
    reader.next(8);
    assertThat(waits).hasValue(0);
    assertThatThrownBy(() -> reader.next(8)).isInstanceOf(EOFException.class);
    assertThat(waits).hasValue(1);
    assertThat(ends).hasValue(1);
  }
}
