package dev.zrs.zeo;

import dev.zrs.pickle.Unpickler;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * How messages become bytes. The server offers one in its greeting, but the client's answer decides
 * (ZEO/asyncio/server.py, finish_connection).
 */
enum Encoding {
  /** Pickles, which every client understands. */
  PICKLE("Z5") {
    @Override
    MessageWriter newWriter() {
      return new PickleMessageWriter();
    }

    @Override
    LoadRequest loadRequest() {
      return LoadRequest.PICKLED;
    }

    @Override
    Object decode(byte[] buffer, int offset, int length) {
      return new Unpickler(buffer, offset, length, Request.LIMITS).load();
    }
  },

  /** Msgpack, for clients that have the library. */
  MSGPACK("M5") {
    @Override
    MessageWriter newWriter() {
      return new MsgpackMessageWriter();
    }

    @Override
    LoadRequest loadRequest() {
      return LoadRequest.MSGPACK;
    }

    @Override
    Object decode(byte[] buffer, int offset, int length) {
      return MsgpackReader.read(buffer, offset, length, Request.LIMITS);
    }
  };

  private final String protocol;

  Encoding(String protocol) {
    this.protocol = protocol;
  }

  /** The encoding that a client's greeting asks for. */
  static Optional<Encoding> of(String greeting) {
    for (Encoding encoding : values()) {
      if (encoding.protocol.equals(greeting)) {
        return Optional.of(encoding);
      }
    }
    return Optional.empty();
  }

  /** Encoding and version, as they are named in the greeting. */
  String protocol() {
    return protocol;
  }

  /** The greeting of either side. */
  byte[] greeting() {
    return protocol.getBytes(StandardCharsets.US_ASCII);
  }

  /** A writer for messages of a connection. */
  abstract MessageWriter newWriter();

  /**
   * The value that a message is.
   *
   * @throws ProtocolException or PickleException if it is none
   */
  abstract Object decode(byte[] buffer, int offset, int length);

  /** The most frequent request in this encoding. */
  abstract LoadRequest loadRequest();
}
