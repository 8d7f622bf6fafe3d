package dev.zrs.server.logging;

import java.io.PrintStream;

/** A standard stream of the process; it is never closed. */
record StreamOutput(String name, PrintStream stream) implements LogOutput {
  @Override
  public void write(int level, String text) {
    stream.print(text + "\n");
    stream.flush();
  }

  @Override
  public void reopen() {
    // A standard stream has no path that could be opened again; Python leaves it alone, too.
  }

  @Override
  public void close() {
    stream.flush();
  }
}
