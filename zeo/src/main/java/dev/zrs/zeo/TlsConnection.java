package dev.zrs.zeo;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * TLS over another connection. An SSLEngine rather than an SSLSocket: it also works over unix
 * sockets and over connections with limits, and to end it is to end the connection below, which
 * waits for nobody, while the close of an SSLSocket waits for the lock of a writer that may be held
 * up by its peer.
 *
 * <p>One thread makes the {@link #handshake}, before anything else; then, as with any connection,
 * one thread may read while another writes. The engine itself may be used by both.
 */
final class TlsConnection implements ByteConnection {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.asyncio.server");

  /** First byte of a TLS record that a peer may begin with: an alert, or a part of a handshake. */
  private static final int ALERT = 21;

  private static final int HANDSHAKE = 22;

  /** Enough for requests; it grows when the peer sends long records. */
  private static final int INITIAL = 4 << 10;

  /** Records that are written at once, when there is much to write. */
  private static final int MAX_RECORDS = 4;

  private final ByteConnection connection;
  private final SSLEngine engine;
  private final String peerKind;
  private final TlsFailures failures;

  /** One writer at a time, from the making of a record until it is sent; guards nothing else. */
  private final ReentrantLock writing = new ReentrantLock();

  /** What has arrived and is not deciphered yet. The reader's. */
  private ByteBuffer received = ByteBuffer.allocate(INITIAL).flip();

  /** The rest of a record that was too long for the reader's buffer. The reader's. */
  private @Nullable ByteBuffer rest;

  private volatile boolean closed;
  private volatile boolean heard;
  private volatile boolean established;

  /**
   * TLS that is not established yet.
   *
   * @param ownName of our certificate, if we have one
   * @param peerKind client or server, for messages
   */
  TlsConnection(
      ByteConnection connection, SSLEngine engine, Optional<String> ownName, String peerKind) {
    this.connection = connection;
    this.engine = engine;
    this.peerKind = peerKind;
    failures = new TlsFailures(ownName, peerKind);
  }

  @Override
  public void handshake() throws IOException {
    try {
      engine.beginHandshake();
      proceed();
    } catch (SSLException e) {
      sendAlert();
      throw failures.handshake(e);
    } catch (IOException e) {
      if (closed) {
        throw e;
      }
      throw failures.lost(heard, e);
    }
    established = true;
    SSLSession session = engine.getSession();
    LOG.debug(
        "{} with {}, whose certificate is {}",
        session.getProtocol(),
        connection.peer(),
        peerName(session));
  }

  private static String peerName(SSLSession session) {
    try {
      return session.getPeerCertificates()[0] instanceof X509Certificate certificate
          ? TrustedPeers.name(certificate)
          : "of an unknown kind";
    } catch (SSLPeerUnverifiedException e) {
      return "none";
    }
  }

  private void proceed() throws IOException {
    HandshakeStatus status = engine.getHandshakeStatus();
    while (status != HandshakeStatus.NOT_HANDSHAKING && status != HandshakeStatus.FINISHED) {
      status =
          switch (status) {
            case NEED_TASK -> runTasks();
            case NEED_WRAP -> writeAll(ByteBuffer.allocate(0));
            case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> readHandshake();
            case NOT_HANDSHAKING, FINISHED -> status;
          };
    }
    if (engine.isOutboundDone()) {
      throw failures.lost(heard, null);
    }
  }

  private HandshakeStatus runTasks() {
    for (Runnable task = engine.getDelegatedTask();
        task != null;
        task = engine.getDelegatedTask()) {
      task.run();
    }
    return engine.getHandshakeStatus();
  }

  private HandshakeStatus readHandshake() throws IOException {
    SSLEngineResult result = engine.unwrap(received, ByteBuffer.allocate(0));
    return switch (result.getStatus()) {
      case OK -> result.getHandshakeStatus();
      case BUFFER_UNDERFLOW -> {
        if (!fill()) {
          throw failures.lost(heard, null);
        }
        yield engine.getHandshakeStatus();
      }
      case BUFFER_OVERFLOW -> throw new SSLException("data before the handshake is over");
      case CLOSED -> throw failures.lost(true, null);
    };
  }

  /** Waits for more from the peer; false at the end. */
  private boolean fill() throws IOException {
    received.compact();
    if (!received.hasRemaining()) {
      received =
          ByteBuffer.allocate(
                  Math.max(received.capacity() * 2, engine.getSession().getPacketBufferSize()))
              .put(received.flip());
    }
    int count;
    try {
      count = connection.read(received.array(), received.position(), received.remaining());
      received.position(received.position() + Math.max(count, 0));
    } finally {
      received.flip();
    }
    if (count > 0 && !heard) {
      int first = received.get(0);
      if (first != HANDSHAKE && first != ALERT) {
        throw failures.noTls();
      }
      heard = true;
    }
    return count >= 0;
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    while (true) {
      if (rest != null) {
        return takeRest(rest, buffer, offset, length);
      }
      int count = decipher(ByteBuffer.wrap(buffer, offset, length));
      if (count != 0) {
        return count;
      }
    }
  }

  private int takeRest(ByteBuffer from, byte[] buffer, int offset, int length) {
    int count = Math.min(length, from.remaining());
    from.get(buffer, offset, count);
    if (!from.hasRemaining()) {
      rest = null;
    }
    return count;
  }

  /** Deciphers a record; the number of bytes that are in the target, -1 at the end. */
  private int decipher(ByteBuffer target) throws IOException {
    SSLEngineResult result = unwrap(target);
    if (result.getStatus() == SSLEngineResult.Status.BUFFER_OVERFLOW) {
      // The engine asks for room before it asks for the rest of the record.
      ByteBuffer record = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize());
      result = unwrap(record);
      record.flip();
      rest = record.hasRemaining() ? record : null;
    }
    return switch (result.getStatus()) {
      case OK -> {
        answer(result.getHandshakeStatus());
        yield rest == null ? result.bytesProduced() : 0;
      }
      case BUFFER_UNDERFLOW -> fill() ? 0 : -1;
      case BUFFER_OVERFLOW -> throw new ProtocolException("TLS: a record that is too long");
      case CLOSED -> -1;
    };
  }

  private SSLEngineResult unwrap(ByteBuffer target) throws IOException {
    try {
      return engine.unwrap(received, target);
    } catch (SSLException e) {
      throw failures.later(e);
    }
  }

  /**
   * The peer has changed its keys and waits for ours. If somebody is writing, what is written next
   * has them with it.
   */
  private void answer(HandshakeStatus status) throws IOException {
    if (status == HandshakeStatus.NEED_TASK) {
      throw new ProtocolException("the %s wants to begin TLS again".formatted(peerKind));
    }
    if (status == HandshakeStatus.NEED_WRAP && writing.tryLock()) {
      try {
        writeAll(ByteBuffer.allocate(0));
      } finally {
        writing.unlock();
      }
    }
  }

  @Override
  public void write(byte[] buffer, int offset, int length) throws IOException {
    writing.lock();
    try {
      writeAll(ByteBuffer.wrap(buffer, offset, length));
    } catch (SSLException e) {
      throw new IOException("TLS has ended: " + e.getMessage(), e);
    } finally {
      writing.unlock();
    }
  }

  /** Enciphers and sends; with nothing in the source, only what the engine itself has to say. */
  private HandshakeStatus writeAll(ByteBuffer source) throws IOException {
    int packet = engine.getSession().getPacketBufferSize();
    int records = Math.clamp(source.remaining() / packet + 1, 1, MAX_RECORDS);
    ByteBuffer target = ByteBuffer.allocate(records * packet);
    HandshakeStatus status;
    do {
      SSLEngineResult result = engine.wrap(source, target);
      status = result.getHandshakeStatus();
      switch (result.getStatus()) {
        case OK -> {
          if (target.remaining() < packet) {
            send(target);
          }
        }
        case BUFFER_OVERFLOW -> {
          send(target);
          packet = engine.getSession().getPacketBufferSize();
          if (target.capacity() < packet) {
            target = ByteBuffer.allocate(packet);
          }
        }
        case CLOSED -> {
          // What was made may be the alert that says why.
          send(target);
          if (source.hasRemaining()) {
            throw new IOException("the connection is closed");
          }
          return status;
        }
        case BUFFER_UNDERFLOW -> throw new AssertionError(result);
      }
    } while (source.hasRemaining() || (established && status == HandshakeStatus.NEED_WRAP));
    send(target);
    return status;
  }

  private void send(ByteBuffer target) throws IOException {
    target.flip();
    if (target.hasRemaining()) {
      connection.write(target.array(), target.arrayOffset(), target.remaining());
    }
    target.clear();
  }

  /** Tells the peer why there will be no connection, if it still listens. */
  private void sendAlert() {
    try {
      HandshakeStatus status = engine.getHandshakeStatus();
      while (status == HandshakeStatus.NEED_WRAP && !engine.isOutboundDone()) {
        status = writeAll(ByteBuffer.allocate(0));
      }
    } catch (IOException e) {
      LOG.debug("no alert to {}: {}", connection.peer(), e.toString());
    }
  }

  @Override
  public String silence() {
    if (established) {
      return connection.silence();
    }
    return heard
        ? "no TLS handshake in time"
        : "no TLS handshake in time, not even its beginning: a plain ZEO client?";
  }

  @Override
  public String peer() {
    return connection.peer();
  }

  @Override
  public void close() {
    closed = true;
    connection.close();
  }
}
