package dev.zrs.server.logging;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.zrs.testkit.PythonPeer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;

/** A syslog daemon in a process of its own. For one thread. */
final class Daemon implements AutoCloseable {
  private final Process process;
  private final BufferedReader output;
  private final String address;

  private Daemon(Process process) throws IOException {
    this.process = process;
    this.output = process.inputReader(UTF_8);
    this.address = line();
  }

  /** Starts one of a kind: datagram, stream, udp or udp6. */
  static Daemon start(String kind, Path directory) throws IOException {
    String script;
    try (InputStream in = Daemon.class.getResourceAsStream("syslogd.py")) {
      script = new String(Objects.requireNonNull(in).readAllBytes(), UTF_8);
    }
    return new Daemon(
        new ProcessBuilder(
                PythonPeer.current().python().toString(),
                "-c",
                script,
                kind,
                directory.resolve("log").toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start());
  }

  private String line() throws IOException {
    String line = output.readLine();
    if (line == null) {
      throw new IOException("the daemon ended");
    }
    return line;
  }

  /** As zeo.conf has it. */
  String address() {
    return address;
  }

  /** Without brackets. */
  String pythonAddress() {
    return address.replace("[", "").replace("]", "");
  }

  List<String> take(int count) throws IOException {
    List<String> messages = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      messages.add(new String(HexFormat.of().parseHex(line()), UTF_8));
    }
    return messages;
  }

  void stopReading() throws IOException {
    process.outputWriter(UTF_8).append("stop\n").flush();
    String answer = line();
    if (!answer.equals("stopped")) {
      throw new IOException("unexpected: " + answer);
    }
  }

  @Override
  public void close() throws IOException {
    process.getOutputStream().close();
    process.onExit().join();
  }
}
