package dev.zrs.storage;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.slf4j.LoggerFactory;

/** Keeps a storage from telling, ten thousand times, what it found after a crash. */
final class QuietStorage implements BeforeAllCallback, AfterAllCallback {
  private static void set(Level level) {
    ((Logger) LoggerFactory.getLogger("ZODB")).setLevel(level);
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    set(Level.OFF);
  }

  @Override
  public void afterAll(ExtensionContext context) {
    set(Level.DEBUG);
  }
}
