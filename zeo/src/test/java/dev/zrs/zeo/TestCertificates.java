package dev.zrs.zeo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.concurrent.atomic.AtomicLong;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

/** Makes certificates, and files of them. */
final class TestCertificates {
  static final Instant LAST_YEAR = daysFromNow(-365);
  static final Instant YESTERDAY = daysFromNow(-1);
  static final Instant TOMORROW = daysFromNow(1);

  private static final AtomicLong SERIALS = new AtomicLong();

  private TestCertificates() {}

  private static Instant daysFromNow(int days) {
    return Instant.now().plus(days, ChronoUnit.DAYS).truncatedTo(ChronoUnit.SECONDS);
  }

  /**
   * A certificate with its key.
   *
   * @param file has both
   * @param certificateFile has the certificate alone
   */
  record Identity(X509Certificate certificate, KeyPair keys, Path file, Path certificateFile) {}

  /** An authority, which has signed itself. */
  static Identity authority(Path folder, String name, Instant end) {
    KeyPair keys = keys();
    return write(folder, name, sign(name, keys, null, keys, end, true), keys);
  }

  /** A certificate of an authority. */
  static Identity issue(Path folder, Identity authority, String name, Instant end) {
    KeyPair keys = keys();
    return write(folder, name, sign(name, keys, authority, authority.keys(), end, false), keys);
  }

  private static KeyPair keys() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(256);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  @SuppressWarnings("JavaUtilDate") // the builder wants it
  private static X509Certificate sign(
      String name,
      KeyPair keys,
      @Nullable Identity issuer,
      KeyPair issuerKeys,
      Instant end,
      boolean authority) {
    X500Principal subject = new X500Principal("CN=" + name);
    try {
      JcaX509ExtensionUtils utilities = new JcaX509ExtensionUtils();
      var builder =
          new JcaX509v3CertificateBuilder(
                  issuer == null ? subject : issuer.certificate().getSubjectX500Principal(),
                  BigInteger.valueOf(SERIALS.incrementAndGet()),
                  Date.from(LAST_YEAR),
                  Date.from(end),
                  subject,
                  keys.getPublic())
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(authority))
              .addExtension(
                  Extension.keyUsage,
                  true,
                  new KeyUsage(
                      authority
                          ? KeyUsage.keyCertSign | KeyUsage.digitalSignature
                          : KeyUsage.digitalSignature))
              .addExtension(
                  Extension.subjectKeyIdentifier,
                  false,
                  utilities.createSubjectKeyIdentifier(keys.getPublic()))
              .addExtension(
                  Extension.authorityKeyIdentifier,
                  false,
                  utilities.createAuthorityKeyIdentifier(issuerKeys.getPublic()))
              .addExtension(
                  Extension.subjectAlternativeName,
                  false,
                  new GeneralNames(new GeneralName(GeneralName.dNSName, "zodb.org")));
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(
                  new JcaContentSignerBuilder("SHA256withECDSA").build(issuerKeys.getPrivate())));
    } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
      throw new AssertionError(e);
    }
  }

  private static Identity write(
      Path folder, String name, X509Certificate certificate, KeyPair keys) {
    return new Identity(
        certificate,
        keys,
        pem(folder.resolve(name + ".pem"), certificate, pkcs8(keys)),
        pem(folder.resolve(name + ".crt"), certificate));
  }

  private static JcaPKCS8Generator pkcs8(KeyPair keys) {
    try {
      return new JcaPKCS8Generator(keys.getPrivate(), null);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path pem(Path file, Object... objects) {
    try (Writer out = Files.newBufferedWriter(file);
        JcaPEMWriter writer = new JcaPEMWriter(out)) {
      for (Object object : objects) {
        writer.writeObject(object);
      }
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
