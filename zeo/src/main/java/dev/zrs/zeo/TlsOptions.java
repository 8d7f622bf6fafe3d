package dev.zrs.zeo;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What TLS is made of; the names are those of ZEO's {@code <ssl>} sections. All files are PEM.
 *
 * @param certificate our certificate, perhaps with those that lead to its root, and perhaps with
 *     the key; a server must have one, a client need not
 * @param key the file with the key; empty if it is in that of the certificate
 * @param password for an encrypted key
 * @param authenticate whom we trust: a file, or a directory of files, with certificates of
 *     authorities or of single peers, and perhaps revocation lists; empty for the authorities that
 *     the Java runtime trusts
 * @param serverHostname for clients: the name that the server's certificate must have; empty for
 *     the host of the address
 * @param checkHostname for clients: whether the server's name is checked
 */
public record TlsOptions(
    Optional<Path> certificate,
    Optional<Path> key,
    Optional<String> password,
    Optional<Path> authenticate,
    Optional<String> serverHostname,
    boolean checkHostname) {
  /** The options, as what a failure is about. */
  public enum Part {
    CERTIFICATE,
    KEY,
    PASSWORD,
    AUTHENTICATE
  }

  /** A client without a certificate, which trusts whom the Java runtime trusts. */
  public static final TlsOptions DEFAULT =
      new TlsOptions(
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          true);

  /** With a certificate, whose file holds the key too. */
  public TlsOptions withCertificate(Path certificateAndKey) {
    return with(Optional.of(certificateAndKey), Optional.empty());
  }

  /** With a certificate and the file of its key. */
  public TlsOptions withCertificate(Path certificate, Path key) {
    return with(Optional.of(certificate), Optional.of(key));
  }

  private TlsOptions with(Optional<Path> newCertificate, Optional<Path> newKey) {
    return new TlsOptions(
        newCertificate, newKey, password, authenticate, serverHostname, checkHostname);
  }

  public TlsOptions withPassword(String value) {
    return new TlsOptions(
        certificate, key, Optional.of(value), authenticate, serverHostname, checkHostname);
  }

  public TlsOptions withAuthenticate(Path value) {
    return new TlsOptions(
        certificate, key, password, Optional.of(value), serverHostname, checkHostname);
  }

  public TlsOptions withServerHostname(String value) {
    return new TlsOptions(
        certificate, key, password, authenticate, Optional.of(value), checkHostname);
  }

  public TlsOptions withCheckHostname(boolean value) {
    return new TlsOptions(certificate, key, password, authenticate, serverHostname, value);
  }

  /** Without the password. */
  @Override
  public String toString() {
    return "certificate %s, key %s, authenticate %s"
        .formatted(text(certificate), text(key), text(authenticate));
  }

  private static String text(Optional<Path> file) {
    return file.map(Path::toString).orElse("none");
  }
}
