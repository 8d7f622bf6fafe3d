package dev.zrs.zeo;

import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Comparator;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.security.auth.x500.X500Principal;

/**
 * Decides whether a peer's certificate is good, and says why not. The decision is the JDK's; added
 * is what OpenSSL does in Python's server and the JDK does not: a certificate that is trusted
 * itself must not have expired either, nor may an authority's; and with revocation lists at hand
 * the peer's certificate must be in the good books of its issuer's. Any thread.
 */
final class TrustedPeers extends X509ExtendedTrustManager {
  private static final int MAX_NAME = 200;
  private static final int MAX_NAMED = 3;
  private static final int MAX_CHAIN = 10;

  /** A check of the JDK's. */
  private interface Check {
    void run(X509ExtendedTrustManager jdk) throws CertificateException;
  }

  /** Whether a key has signed something. */
  private interface SignatureCheck {
    void by(PublicKey key) throws GeneralSecurityException;
  }

  private final X509ExtendedTrustManager jdk;
  private final List<X509Certificate> trusted;
  private final List<X509CRL> revocationLists;
  private final String source;

  /**
   * Trusts those whom the JDK's manager trusts.
   *
   * @param source where their certificates are from, for messages
   */
  TrustedPeers(X509ExtendedTrustManager jdk, List<X509CRL> revocationLists, String source) {
    this.jdk = jdk;
    this.trusted = List.of(jdk.getAcceptedIssuers());
    this.revocationLists = List.copyOf(revocationLists);
    this.source = source;
  }

  /** A certificate's name as text that can't harm a log. */
  static String name(X509Certificate certificate) {
    String name = certificate.getSubjectX500Principal().getName();
    String shown = name.isEmpty() ? "without a name" : name.replaceAll("\\p{Cntrl}", "?");
    return shown.length() > MAX_NAME ? shown.substring(0, MAX_NAME) + "..." : shown;
  }

  private void check(X509Certificate[] chain, Check check) throws CertificateException {
    X509Certificate peer = chain[0];
    requireInTime(peer, peer, "");
    try {
      check.run(jdk);
    } catch (CertificateException e) {
      throw explain(peer, e);
    }
    requireUnrevoked(peer, List.of(chain));
    requireAuthorityInTime(List.of(chain));
  }

  private static void requireInTime(X509Certificate peer, X509Certificate checked, String part)
      throws UntrustedException {
    try {
      checked.checkValidity();
    } catch (CertificateExpiredException e) {
      throw new UntrustedException(
          peer, part + "expired on " + checked.getNotAfter().toInstant(), e);
    } catch (CertificateNotYetValidException e) {
      throw new UntrustedException(
          peer, part + "is not valid before " + checked.getNotBefore().toInstant(), e);
    }
  }

  private UntrustedException explain(X509Certificate peer, CertificateException e) {
    Optional<CertPathValidatorException> found =
        Stream.iterate((Throwable) e, t -> t != null, Throwable::getCause)
            .limit(MAX_CHAIN)
            .filter(CertPathValidatorException.class::isInstance)
            .map(CertPathValidatorException.class::cast)
            .findFirst();
    if (found.isEmpty()) {
      // The JDK names no reason for the one that is by far the most frequent.
      return isOfTrusted(peer) || !String.valueOf(e.getMessage()).contains("certification path")
          ? new UntrustedException(peer, "is not good: " + e.getMessage(), e)
          : notSigned(peer, e);
    }
    CertPathValidatorException failure = found.get();
    String where = where(failure);
    if (failure.getReason() == CertPathValidatorException.BasicReason.EXPIRED) {
      return new UntrustedException(peer, where + "has expired: " + failure.getMessage(), e);
    }
    return failure.getReason() == java.security.cert.PKIXReason.NO_TRUST_ANCHOR
        ? notSigned(peer, e)
        : new UntrustedException(peer, where + "is not good: " + failure.getMessage(), e);
  }

  private static String where(CertPathValidatorException failure) {
    if (failure.getCertPath() == null || failure.getIndex() < 1) {
      return "";
    }
    return failure.getCertPath().getCertificates().get(failure.getIndex())
            instanceof X509Certificate authority
        ? "is signed by %s, which ".formatted(name(authority))
        : "";
  }

  private boolean isOfTrusted(X509Certificate peer) {
    return trusted.stream().anyMatch(each -> isIssuer(each, peer));
  }

  private UntrustedException notSigned(X509Certificate peer, CertificateException cause) {
    String names =
        trusted.stream().limit(MAX_NAMED).map(TrustedPeers::name).collect(Collectors.joining("; "));
    String more =
        trusted.size() > MAX_NAMED ? " and %d more".formatted(trusted.size() - MAX_NAMED) : "";
    return new UntrustedException(
        peer, "is not signed by any of %s (%s%s)".formatted(source, names, more), cause);
  }

  private static boolean isIssuer(X509Certificate issuer, X509Certificate of) {
    return isFrom(issuer, of.getIssuerX500Principal(), of::verify);
  }

  private static boolean isSignedBy(X509CRL list, X509Certificate issuer) {
    return isFrom(issuer, list.getIssuerX500Principal(), list::verify);
  }

  private static boolean isFrom(
      X509Certificate issuer, X500Principal named, SignatureCheck signature) {
    if (!issuer.getSubjectX500Principal().equals(named)) {
      return false;
    }
    try {
      signature.by(issuer.getPublicKey());
      return true;
    } catch (GeneralSecurityException e) {
      // It only has the same name.
      return false;
    }
  }

  /** The JDK takes an authority that it was told to trust for good for ever. */
  private void requireAuthorityInTime(List<X509Certificate> chain) throws UntrustedException {
    X509Certificate current = chain.getFirst();
    for (int steps = 0; steps < MAX_CHAIN && !trusted.contains(current); steps++) {
      X509Certificate below = current;
      // One of several with the same key, renewed in time, is enough.
      Optional<X509Certificate> authority =
          trusted.stream()
              .filter(each -> isIssuer(each, below))
              .max(Comparator.comparing(X509Certificate::getNotAfter));
      if (authority.isPresent()) {
        requireInTime(
            chain.getFirst(),
            authority.get(),
            "is signed by %s, which ".formatted(name(authority.get())));
        return;
      }
      Optional<X509Certificate> sent =
          chain.stream().filter(each -> !each.equals(below) && isIssuer(each, below)).findFirst();
      if (sent.isEmpty()) {
        return;
      }
      current = sent.get();
    }
  }

  private void requireUnrevoked(X509Certificate peer, List<X509Certificate> chain)
      throws UntrustedException {
    if (revocationLists.isEmpty()) {
      return;
    }
    List<X509Certificate> issuers =
        Stream.concat(trusted.stream(), chain.stream())
            .filter(each -> isIssuer(each, peer))
            .toList();
    Optional<X509CRL> list =
        revocationLists.stream()
            .filter(each -> issuers.stream().anyMatch(issuer -> isSignedBy(each, issuer)))
            .max(Comparator.comparing(X509CRL::getThisUpdate));
    if (list.isEmpty()) {
      throw new UntrustedException(
          peer,
          "has an issuer without a revocation list, while %s has lists of others"
              .formatted(source));
    }
    Optional<Instant> end = Optional.ofNullable(list.get().getNextUpdate()).map(Date::toInstant);
    if (end.isPresent() && end.get().isBefore(Instant.now())) {
      throw new UntrustedException(
          peer,
          "can't be checked: its issuer's revocation list in %s expired on %s"
              .formatted(source, end.get()));
    }
    if (list.get().isRevoked(peer)) {
      throw new UntrustedException(peer, "is revoked");
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    check(chain, each -> each.checkClientTrusted(chain, authType, engine));
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    check(chain, each -> each.checkServerTrusted(chain, authType, engine));
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    check(chain, each -> each.checkClientTrusted(chain, authType));
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    check(chain, each -> each.checkServerTrusted(chain, authType));
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    check(chain, each -> each.checkClientTrusted(chain, authType, socket));
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    check(chain, each -> each.checkServerTrusted(chain, authType, socket));
  }

  /**
   * Python's server names none to its clients either: so they show what they have, and the log can
   * say what is wrong with it.
   */
  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
