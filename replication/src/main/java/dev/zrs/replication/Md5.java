package dev.zrs.replication;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The checksum of the ZRS protocol. */
final class Md5 {
  private Md5() {}

  /** A checksum that has taken in the start tid, with which every stream begins. */
  static MessageDigest startingWith(byte[] startTid) {
    try {
      MessageDigest digest = MessageDigest.getInstance("MD5");
      digest.update(startTid);
      return digest;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has MD5", e);
    }
  }

  /** The digest of {@code bytes}. */
  static byte[] of(byte[] bytes) {
    return startingWith(bytes).digest();
  }

  /** The digest of what was taken in so far; it may go on. */
  static byte[] soFar(MessageDigest digest) {
    try {
      return ((MessageDigest) digest.clone()).digest();
    } catch (CloneNotSupportedException e) {
      throw new IllegalStateException("the JDK's MD5 can be cloned", e);
    }
  }
}
