package dev.zrs.zeo;

import dev.zrs.zeo.TlsOptions.Part;
import java.nio.file.Path;

/** TLS can't be set up from what was given. The message names the file. */
public final class TlsException extends ZeoException {
  private static final long serialVersionUID = 1;

  private final Part part;
  private final boolean passwordMissing;

  TlsException(Part part, String message) {
    this(part, message, false);
  }

  private TlsException(Part part, String message, boolean passwordMissing) {
    super(message);
    this.part = part;
    this.passwordMissing = passwordMissing;
  }

  TlsException(Part part, String message, Throwable cause) {
    super(message, cause);
    this.part = part;
    passwordMissing = false;
  }

  /** The key is encrypted, and there is no password. */
  static TlsException passwordMissing(Part part, Path file) {
    return new TlsException(
        part, "the key in %s is encrypted, and there is no password".formatted(file), true);
  }

  /** The option that is wrong. */
  public Part part() {
    return part;
  }

  /** Whether only a password is missing. */
  public boolean isPasswordMissing() {
    return passwordMissing;
  }
}
