package dev.zrs.zeo;

import dev.zrs.zeo.TlsOptions.Part;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.InvalidAlgorithmParameterException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CRL;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * TLS, ready for use: our certificate and key, and the certificates that we trust. Later changes of
 * the files don't matter. Any thread.
 */
public final class TlsContext {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.asyncio.server");
  private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};

  private final SSLContext context;
  private final TlsOptions options;
  private final Optional<String> ownName;

  private TlsContext(SSLContext context, TlsOptions options, Optional<String> ownName) {
    this.context = context;
    this.options = options;
    this.ownName = ownName;
  }

  /**
   * Reads the files.
   *
   * @throws TlsException if one can't be used; the message names it
   */
  public static TlsContext load(TlsOptions options) {
    Optional<OwnIdentity> identity = options.certificate().map(file -> identity(file, options));
    TrustManager trust = trust(options.authenticate());
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(
          identity.map(each -> new KeyManager[] {each}).orElseGet(() -> new KeyManager[0]),
          new TrustManager[] {trust},
          null);
      return new TlsContext(context, options, identity.map(OwnIdentity::name));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java runtime has TLS", e);
    }
  }

  private static OwnIdentity identity(Path certificate, TlsOptions options) {
    PemFile certificates = read(Part.CERTIFICATE, certificate);
    List<X509Certificate> chain = certificates.certificates();
    if (chain.isEmpty()) {
      throw new TlsException(Part.CERTIFICATE, "there is no PEM certificate in " + certificate);
    }
    Part keyPart = options.key().isPresent() ? Part.KEY : Part.CERTIFICATE;
    PemFile keys = options.key().map(file -> read(Part.KEY, file)).orElse(certificates);
    if (!keys.hasKey()) {
      throw new TlsException(keyPart, "there is no PEM private key in " + keys.path());
    }
    if (keys.isKeyEncrypted() && options.password().isEmpty()) {
      throw TlsException.passwordMissing(keyPart, keys.path());
    }
    PrivateKey key;
    try {
      key = keys.key(options.password());
    } catch (IOException e) {
      throw new TlsException(
          keys.isKeyEncrypted() ? Part.PASSWORD : keyPart, String.valueOf(e.getMessage()), e);
    }
    if (!belongTogether(key, chain.getFirst())) {
      throw new TlsException(
          keyPart,
          "the key in %s is not that of the certificate %s in %s"
              .formatted(keys.path(), TrustedPeers.name(chain.getFirst()), certificate));
    }
    OwnIdentity identity = new OwnIdentity(key, chain);
    identity
        .timeProblem()
        .ifPresent(
            problem ->
                LOG.warn("the certificate {} in {} {}", identity.name(), certificate, problem));
    return identity;
  }

  private static boolean belongTogether(PrivateKey key, X509Certificate certificate) {
    String kind = key.getAlgorithm();
    if (!kind.equals(certificate.getPublicKey().getAlgorithm())) {
      return false;
    }
    byte[] sample = "sample".getBytes(StandardCharsets.US_ASCII);
    try {
      Signature signature =
          Signature.getInstance(
              switch (kind) {
                case "RSA" -> "SHA256withRSA";
                case "EC" -> "SHA256withECDSA";
                default -> kind;
              });
      signature.initSign(key);
      signature.update(sample);
      byte[] signed = signature.sign();
      signature.initVerify(certificate.getPublicKey());
      signature.update(sample);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      // A key that can't sign is not one for TLS either.
      return false;
    }
  }

  private static PemFile read(Part part, Path file) {
    try {
      return new PemFile(file);
    } catch (IOException e) {
      throw new TlsException(part, String.valueOf(e.getMessage()), e);
    }
  }

  private static TrustManager trust(Optional<Path> authenticate) {
    try {
      TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
      if (authenticate.isEmpty()) {
        factory.init((KeyStore) null);
        return new TrustedPeers(jdkManager(factory), List.of(), "the authorities that Java trusts");
      }
      Path path = authenticate.get();
      List<PemFile> files = files(path);
      Set<TrustAnchor> anchors =
          files.stream()
              .flatMap(file -> file.certificates().stream())
              .map(certificate -> new TrustAnchor(certificate, null))
              .collect(Collectors.toCollection(LinkedHashSet::new));
      List<X509CRL> lists =
          files.stream().flatMap(file -> file.revocationLists().stream()).toList();
      if (anchors.isEmpty()) {
        throw new TlsException(Part.AUTHENTICATE, "there is no PEM certificate in " + path);
      }
      PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors, new X509CertSelector());
      parameters.setRevocationEnabled(false);
      factory.init(new CertPathTrustManagerParameters(parameters));
      return new TrustedPeers(jdkManager(factory), lists, path.toString());
    } catch (InvalidAlgorithmParameterException e) {
      throw new TlsException(
          Part.AUTHENTICATE, "%s can't be used: %s".formatted(authenticate.orElseThrow(), e), e);
    } catch (GeneralSecurityException e) {
      throw new TlsException(
          Part.AUTHENTICATE, "Java's own certificates can't be read: " + e.getMessage(), e);
    }
  }

  private static X509ExtendedTrustManager jdkManager(TrustManagerFactory factory) {
    return Arrays.stream(factory.getTrustManagers())
        .filter(X509ExtendedTrustManager.class::isInstance)
        .map(X509ExtendedTrustManager.class::cast)
        .findFirst()
        .orElseThrow();
  }

  /** In a directory, files of other kinds are passed over: often there is a README, or keys. */
  private static List<PemFile> files(Path path) {
    if (!Files.isDirectory(path)) {
      return List.of(read(Part.AUTHENTICATE, path));
    }
    List<PemFile> files = new ArrayList<>();
    try (Stream<Path> entries = Files.list(path)) {
      entries
          .filter(Files::isRegularFile)
          .filter(TlsContext::isReadable)
          .sorted()
          .forEach(entry -> files.add(read(Part.AUTHENTICATE, entry)));
    } catch (IOException e) {
      throw new TlsException(
          Part.AUTHENTICATE, "the directory %s can't be read: %s".formatted(path, e), e);
    }
    return files;
  }

  /** A key beside the certificates may be for others' eyes only. */
  private static boolean isReadable(Path file) {
    boolean readable = Files.isReadable(file);
    if (!readable) {
      LOG.warn("{} is passed over: it can't be read", file);
    }
    return readable;
  }

  /** Whether it has a certificate, as a server needs one. */
  boolean hasCertificate() {
    return ownName.isPresent();
  }

  /** TLS over a connection that was accepted; the client must have a certificate. */
  ByteConnection server(ByteConnection connection) {
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(false);
    engine.setNeedClientAuth(true);
    engine.setEnabledProtocols(PROTOCOLS);
    return new TlsConnection(connection, engine, ownName, "client");
  }

  /**
   * TLS over a connection to a server.
   *
   * @param host of the address; null if it has none, as a unix socket
   */
  ByteConnection client(ByteConnection connection, @Nullable String host) {
    String name = options.serverHostname().orElse(host);
    SSLEngine engine = name == null ? context.createSSLEngine() : context.createSSLEngine(name, 0);
    engine.setUseClientMode(true);
    engine.setEnabledProtocols(PROTOCOLS);
    if (options.checkHostname() && name != null) {
      SSLParameters parameters = engine.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      engine.setSSLParameters(parameters);
    }
    return new TlsConnection(connection, engine, ownName, "server");
  }
}
