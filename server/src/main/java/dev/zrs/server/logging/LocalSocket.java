package dev.zrs.server.logging;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;

/**
 * The unix socket of a syslog daemon. It takes datagrams, which Java's own unix sockets can't send,
 * so this calls the system directly; if the daemon wants a stream, it gets one. Used under the lock
 * of its appender.
 */
final class LocalSocket implements SyslogOutput.Transport {
  private static final int UNIX = 1;
  private static final int STREAM = 1;
  private static final int DATAGRAM = 2;
  private static final int CLOSE_ON_EXEC = 0x80000;
  private static final int NO_SIGNAL = 0x4000;
  private static final int DO_NOT_WAIT = 0x40;
  private static final int SOCKET_LEVEL = 1;
  private static final int SEND_TIMEOUT = 21;

  /** A daemon that hangs must not stop the server. */
  private static final long LIMIT_SECONDS = 1;

  private static final int MAX_PATH_BYTES = 107;
  private static final int NONE = -1;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final MethodHandle SOCKET =
      function(
          "socket",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT));
  private static final MethodHandle CONNECT =
      function(
          "connect",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_INT));
  private static final MethodHandle OPTION =
      function(
          "setsockopt",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_INT));
  private static final MethodHandle SEND =
      function(
          "send",
          FunctionDescriptor.of(
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT));
  private static final MethodHandle CLOSE =
      function("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

  private final byte[] path;
  private int descriptor = NONE;
  private boolean failing;

  /**
   * A socket. It is connected now if the daemon is there, and else when there is something to send.
   *
   * @throws IOException if the path is too long for a socket
   */
  LocalSocket(String path) throws IOException {
    this.path = path.getBytes(StandardCharsets.UTF_8);
    if (this.path.length > MAX_PATH_BYTES) {
      throw new IOException(
          "the path is longer than the " + MAX_PATH_BYTES + " bytes of a socket's");
    }
    try {
      connect();
    } catch (IOException e) {
      // As in Python: the daemon may be started later. Who sends will be told.
      descriptor = NONE;
    }
  }

  @SuppressWarnings("restricted") // the types above are those of the POSIX functions
  private static MethodHandle function(String name, FunctionDescriptor type) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().find(name).orElseThrow(),
        type,
        Linker.Option.captureCallState("errno"));
  }

  @Override
  public void send(byte[] message) throws IOException {
    boolean sent = false;
    try {
      sendOrConnectAgain(message);
      sent = true;
    } finally {
      failing = !sent;
    }
  }

  private void sendOrConnectAgain(byte[] message) throws IOException {
    if (descriptor != NONE) {
      try {
        sendNow(message);
        return;
      } catch (IOException e) {
        // The daemon may have been restarted.
        close();
      }
    }
    connect();
    sendNow(message);
  }

  private void connect() throws IOException {
    try {
      connect(DATAGRAM);
    } catch (IOException e) {
      connect(STREAM);
    }
  }

  private void connect(int type) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      int opened = (int) SOCKET.invokeExact(state, UNIX, type | CLOSE_ON_EXEC, 0);
      if (opened < 0) {
        throw failure("socket", state);
      }
      descriptor = opened;
      // Before connecting, which can wait as well: when the daemon hangs and many have connected.
      MemorySegment limit = arena.allocateFrom(ValueLayout.JAVA_LONG, LIMIT_SECONDS, 0L);
      int size = (int) limit.byteSize();
      if ((int) OPTION.invokeExact(state, opened, SOCKET_LEVEL, SEND_TIMEOUT, limit, size) != 0) {
        IOException failure = failure("setsockopt", state);
        close();
        throw failure;
      }
      MemorySegment address = arena.allocate(2L + path.length + 1);
      address.set(ValueLayout.JAVA_SHORT, 0, (short) UNIX);
      MemorySegment.copy(path, 0, address, ValueLayout.JAVA_BYTE, 2, path.length);
      if ((int) CONNECT.invokeExact(state, opened, address, (int) address.byteSize()) != 0) {
        IOException failure = failure("connect", state);
        close();
        throw failure;
      }
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) { // what invokeExact declares; the functions themselves throw nothing
      throw new IllegalStateException("native call failed", e);
    }
  }

  private void sendNow(byte[] message) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURE);
      MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, message);
      // Who did not take the last one is not waited for again.
      int flags = NO_SIGNAL | (failing ? DO_NOT_WAIT : 0);
      long done = 0;
      while (done < message.length) {
        long sent =
            (long)
                SEND.invokeExact(
                    state, descriptor, bytes.asSlice(done), message.length - done, flags);
        if (sent < 0) {
          throw failure("send", state);
        }
        done += sent;
      }
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) { // what invokeExact declares; send(2) itself throws nothing
      throw new IllegalStateException("native call failed", e);
    }
  }

  private static IOException failure(String function, MemorySegment state) {
    int errno = (int) ERRNO.get(state, 0L);
    return new IOException(
        switch (errno) {
          case 2 -> "there is no such socket";
          case 11 -> "the daemon takes no more";
          case 13 -> "permission denied";
          case 90 -> "the message is too long";
          case 111 -> "nobody listens there";
          default -> function + " failed with errno " + errno;
        });
  }

  @Override
  public void close() {
    if (descriptor == NONE) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      int _ = (int) CLOSE.invokeExact(arena.allocate(CAPTURE), descriptor);
    } catch (Throwable e) { // what invokeExact declares; close(2) itself throws nothing
      throw new IllegalStateException("native call failed", e);
    }
    descriptor = NONE;
  }
}
