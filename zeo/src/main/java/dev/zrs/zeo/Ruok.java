package dev.zrs.zeo;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import dev.zrs.storage.Tid;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The question {@code ruok}, which every ZEO server answers with the status of its storages: a
 * connection without a storage, which the server closes after the answer. Any thread may ask.
 */
public final class Ruok {
  /** Some 400 bytes a storage; more than any server has. */
  private static final int MAX_STATUS = 4 << 20;

  private static final String LAST_TRANSACTION = "last-transaction";

  private Ruok() {}

  /**
   * The last tid of each storage, by its name.
   *
   * @param limit how long connecting, and then the answer, may take
   * @throws ZeoConnectException if the server can't be reached
   * @throws ZeoException if it does not answer as a ZEO server does
   */
  public static SortedMap<String, Tid> lastTransactions(SocketAddress address, Duration limit) {
    try (ClientChannel channel = ClientChannel.open(address, limit, Optional.empty())) {
      String status = ask(channel);
      try {
        return lastTransactions(status);
      } catch (JsonProcessingException e) {
        throw channel.broken("its status can't be read: " + e.getOriginalMessage());
      } catch (IOException | IllegalArgumentException e) {
        throw channel.broken("its status can't be read: " + e.getMessage());
      }
    }
  }

  /**
   * The status as the server sends it: a JSON object with an object for each storage.
   *
   * @param limit how long connecting, and then the answer, may take
   * @throws ZeoConnectException if the server can't be reached
   * @throws ZeoException if it does not answer as a ZEO server does
   */
  public static String status(SocketAddress address, Duration limit) {
    try (ClientChannel channel = ClientChannel.open(address, limit, Optional.empty())) {
      return ask(channel);
    }
  }

  private static String ask(ClientChannel channel) {
    byte[] question = ZeoConnection.STATUS_REQUEST.getBytes(StandardCharsets.US_ASCII);
    channel.begin();
    channel.send(question, question.length);
    channel.setMaxFrame(MAX_STATUS);
    FrameReader frame = channel.receive();
    return new String(frame.buffer(), frame.offset(), frame.length(), StandardCharsets.US_ASCII);
  }

  /** Reads what is wanted of a status. */
  static SortedMap<String, Tid> lastTransactions(String status) throws IOException {
    SortedMap<String, Tid> found = new TreeMap<>();
    try (JsonParser json = new JsonFactory().createParser(status)) {
      require(json, JsonToken.START_OBJECT);
      for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
        require(json, JsonToken.START_OBJECT);
        found.put(name, lastTransaction(json, name));
      }
    }
    return found;
  }

  private static Tid lastTransaction(JsonParser json, String storage) throws IOException {
    String last = null;
    for (String key = json.nextFieldName(); key != null; key = json.nextFieldName()) {
      json.nextToken();
      if (key.equals(LAST_TRANSACTION)) {
        last = json.getValueAsString();
      }
      json.skipChildren();
    }
    if (last == null) {
      throw new IllegalArgumentException(
          "no %s of storage '%s'".formatted(LAST_TRANSACTION, storage));
    }
    return Tid.of(HexFormat.of().parseHex(last));
  }

  private static void require(JsonParser json, JsonToken token) throws IOException {
    if (json.nextToken() != token) {
      throw new IllegalArgumentException("not an object of objects");
    }
  }
}
