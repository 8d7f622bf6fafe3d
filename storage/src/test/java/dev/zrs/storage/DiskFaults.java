package dev.zrs.storage;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Counts the calls to a disk, and has one of them fail. For one thread at a time. */
final class DiskFaults {
  private boolean counting = true;
  private int calls;
  private int failAt = -1;
  private boolean partly;
  private @Nullable String failed;
  private boolean failedInWrite;

  /** See {@link PowerCutDisk#failAt}. */
  void failAt(int call, boolean partlyDone) {
    failAt = call;
    partly = partlyDone;
  }

  void setCounting(boolean value) {
    counting = value;
  }

  int calls() {
    return calls;
  }

  @Nullable String failed() {
    return failed;
  }

  boolean failedInWrite() {
    return failedInWrite;
  }

  /** Counts a call that may fail; throws if it is its turn. */
  void call(String operation) throws IOException {
    if (isTurn(operation)) {
      throw failure(operation);
    }
  }

  /** Counts a call that may fail; whether it must. */
  boolean isTurn(String operation) {
    if (!counting) {
      return false;
    }
    calls++;
    if (calls != failAt) {
      return false;
    }
    failed = operation;
    return true;
  }

  /** How much is written by a write that fails. */
  int written(int length) {
    failedInWrite = true;
    return partly ? length / 2 : 0;
  }

  IOException failure(String operation) {
    return new IOException("no luck with: " + operation);
  }
}
