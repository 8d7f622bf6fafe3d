package dev.zrs.zeo;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PEMEncryptedKeyPair;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.bc.BcPEMDecryptorProvider;
import org.bouncycastle.openssl.jcajce.JceOpenSSLPKCS8DecryptorProviderBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;
import org.bouncycastle.pkcs.PKCSException;
import org.bouncycastle.util.io.pem.PemObject;
import org.bouncycastle.util.io.pem.PemWriter;

/**
 * The certificates, revocation lists and keys in a PEM file, as OpenSSL reads it: text and blocks
 * of other kinds are passed over. Immutable.
 */
final class PemFile {
  private final Path path;
  private final List<X509Certificate> certificates = new ArrayList<>();
  private final List<X509CRL> revocationLists = new ArrayList<>();
  private final List<PemObject> keys = new ArrayList<>();

  /**
   * Reads a file.
   *
   * @throws IOException if it can't be read or is damaged; the message names it
   */
  PemFile(Path path) throws IOException {
    this.path = path;
    if (Files.isDirectory(path)) {
      throw new IOException(path + " is a directory");
    }
    try (PEMParser blocks =
        new PEMParser(
            new StringReader(new String(Files.readAllBytes(path), StandardCharsets.ISO_8859_1)))) {
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      for (PemObject block = blocks.readPemObject();
          block != null;
          block = blocks.readPemObject()) {
        add(block, factory);
      }
    } catch (NoSuchFileException e) {
      throw new IOException("there is no file " + path, e);
    } catch (java.nio.file.AccessDeniedException e) {
      throw new IOException(path + " can't be read: permission denied", e);
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      // The parser throws whatever the damage leads it to.
      throw new IOException("%s is damaged: %s".formatted(path, reason(e)), e);
    }
  }

  private void add(PemObject block, CertificateFactory factory) throws GeneralSecurityException {
    switch (block.getType()) {
      case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE" ->
          certificates.add((X509Certificate) factory.generateCertificate(content(block)));
      case "X509 CRL" -> revocationLists.add((X509CRL) factory.generateCRL(content(block)));
      default -> {
        if (block.getType().endsWith("PRIVATE KEY")) {
          keys.add(block);
        }
      }
    }
  }

  private static ByteArrayInputStream content(PemObject block) {
    return new ByteArrayInputStream(block.getContent());
  }

  private static String reason(Throwable e) {
    return e.getMessage() == null ? e.toString() : e.getMessage().lines().findFirst().orElse("");
  }

  Path path() {
    return path;
  }

  /** In the order of the file. */
  List<X509Certificate> certificates() {
    return List.copyOf(certificates);
  }

  List<X509CRL> revocationLists() {
    return List.copyOf(revocationLists);
  }

  boolean hasKey() {
    return !keys.isEmpty();
  }

  /** Whether {@link #key} needs a password. */
  boolean isKeyEncrypted() {
    return keys.stream()
        .limit(1)
        .anyMatch(
            block ->
                block.getType().startsWith("ENCRYPTED")
                    || block.getHeaders().toString().contains("ENCRYPTED"));
  }

  /**
   * The first key.
   *
   * @param password for an encrypted one
   * @throws IOException if it can't be had; the message names the file
   */
  PrivateKey key(Optional<String> password) throws IOException {
    try {
      PrivateKeyInfo info = information(keys.getFirst(), password.orElse("").toCharArray());
      String algorithm = info.getPrivateKeyAlgorithm().getAlgorithm().getId();
      return KeyFactory.getInstance(algorithm)
          .generatePrivate(new PKCS8EncodedKeySpec(info.getEncoded()));
    } catch (IOException
        | OperatorCreationException
        | PKCSException
        | GeneralSecurityException
        | RuntimeException e) {
      // The parser throws whatever the damage, or what the wrong password made of it, leads it to.
      throw new IOException(
          isKeyEncrypted()
              ? "the password does not open the key in " + path
              : "the key in %s can't be used: %s".formatted(path, reason(e)),
          e);
    }
  }

  private static PrivateKeyInfo information(PemObject block, char[] password)
      throws IOException, OperatorCreationException, PKCSException {
    StringWriter text = new StringWriter();
    try (PemWriter writer = new PemWriter(text)) {
      writer.writeObject(block);
    }
    try (PEMParser parser = new PEMParser(new StringReader(text.toString()))) {
      return switch (parser.readObject()) {
        case PrivateKeyInfo info -> info;
        case PEMKeyPair pair -> pair.getPrivateKeyInfo();
        case PEMEncryptedKeyPair pair ->
            pair.decryptKeyPair(new BcPEMDecryptorProvider(password)).getPrivateKeyInfo();
        case PKCS8EncryptedPrivateKeyInfo info ->
            info.decryptPrivateKeyInfo(
                new JceOpenSSLPKCS8DecryptorProviderBuilder()
                    .setProvider(new BouncyCastleProvider())
                    .build(password));
        case null, default -> throw new IOException("it is of an unknown kind");
      };
    }
  }
}
