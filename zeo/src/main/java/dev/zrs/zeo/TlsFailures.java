package dev.zrs.zeo;

import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Says which check of a TLS handshake failed. Any thread. */
final class TlsFailures {
  /** The engine's words for an alert of the peer; a client of TLS 1.3 may send it in the clear. */
  private static final Pattern ALERT =
      Pattern.compile("(?:Received fatal alert: |Level: fatal; Alert: )(\\w+)");

  /** What a peer says that does not like our certificate. */
  private static final Set<String> REFUSALS =
      Set.of(
          "unknown_ca",
          "bad_certificate",
          "certificate_unknown",
          "certificate_expired",
          "certificate_revoked",
          "unsupported_certificate",
          "access_denied");

  private static final int MAX_CAUSES = 10;

  private final Optional<String> ownName;
  private final String peerKind;

  TlsFailures(Optional<String> ownName, String peerKind) {
    this.ownName = ownName;
    this.peerKind = peerKind;
  }

  /** The engine refused what came, or the peer has told why it goes. */
  ProtocolException handshake(SSLException e) {
    return new ProtocolException("TLS: " + reason(e));
  }

  private String reason(SSLException e) {
    Optional<String> untrusted =
        Stream.iterate((Throwable) e, t -> t != null, Throwable::getCause)
            .limit(MAX_CAUSES)
            .filter(UntrustedException.class::isInstance)
            .map(each -> String.valueOf(each.getMessage()))
            .findFirst();
    if (untrusted.isPresent()) {
      return untrusted.get();
    }
    String message = withCause(e);
    Matcher alert = ALERT.matcher(message);
    if (alert.find()) {
      return refusal(alert.group(1));
    }
    return message.contains("Empty client certificate chain")
        ? "the client sent no certificate"
        : "the handshake failed: " + message;
  }

  /** The engine hides some reasons behind "Unexpected exception". */
  private static String withCause(SSLException e) {
    Throwable cause = e.getCause();
    return cause == null || cause.getMessage() == null
        ? String.valueOf(e.getMessage())
        : "%s: %s".formatted(e.getMessage(), cause.getMessage());
  }

  private String refusal(String alert) {
    if (alert.equals("certificate_required")) {
      return "the %s asks for a certificate".formatted(peerKind);
    }
    return REFUSALS.contains(alert) && ownName.isPresent()
        ? "the %s refused our certificate %s: %s".formatted(peerKind, ownName.get(), alert)
        : "the %s ended the handshake: %s".formatted(peerKind, alert);
  }

  /** The connection ended during the handshake. */
  ProtocolException lost(boolean heard, @Nullable IOException e) {
    String how = e == null ? "closed the connection" : "was lost (%s)".formatted(e.getMessage());
    return new ProtocolException(
        heard
            ? "TLS: the %s %s during the handshake%s"
                .formatted(peerKind, how, e == null ? guess() : "")
            : "TLS: the %s %s before it began TLS: a plain ZEO %s?"
                .formatted(peerKind, how, peerKind));
  }

  /** Python's client often goes without the alert that would say so. */
  private String guess() {
    return ownName
        .map(name -> ", as one does that does not accept our certificate " + name)
        .orElse("");
  }

  /** The peer's first bytes are something else. */
  ProtocolException noTls() {
    return new ProtocolException(
        "TLS: what the %s sends is not TLS at all: a plain ZEO %s?".formatted(peerKind, peerKind));
  }

  /** After the handshake. With TLS 1.3 a server's verdict comes only then. */
  ProtocolException later(SSLException e) {
    return new ProtocolException("TLS: " + reason(e));
  }
}
