package dev.zrs.zeo;

import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;

/** A peer's certificate is refused; the message names it and says why. */
final class UntrustedException extends CertificateException {
  private static final long serialVersionUID = 1;

  UntrustedException(X509Certificate refused, String why) {
    super(text(refused, why));
  }

  UntrustedException(X509Certificate refused, String why, Throwable cause) {
    super(text(refused, why), cause);
  }

  private static String text(X509Certificate refused, String why) {
    return "the certificate %s %s".formatted(TrustedPeers.name(refused), why);
  }
}
