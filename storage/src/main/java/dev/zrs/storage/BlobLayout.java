package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Objects;

/** How the directories of blobs are named. */
enum BlobLayout {
  /** A directory for each byte of the oid. */
  BUSHY("bushy"),

  /** One directory for each oid, in old blob directories. */
  LAWN("lawn");

  /** The file that names the layout. */
  static final String MARKER = ".layout";

  /** Where files are until they are committed. */
  static final String TEMPORARY = "tmp";

  private static final HexFormat HEX = HexFormat.of();

  private final String text;

  BlobLayout(String text) {
    this.text = text;
  }

  /**
   * The layout of a directory, or the one for a new directory.
   *
   * @throws StorageException if the marker names a layout that does not exist
   */
  static BlobLayout of(Disk disk, Path base) throws IOException {
    Path marker = base.resolve(MARKER);
    if (disk.exists(marker)) {
      ByteBuffer bytes = ByteBuffer.allocate(64);
      try (DiskFile file = disk.open(marker, Disk.Mode.READ, "read blob layout")) {
        file.read(bytes, 0);
      }
      String text =
          new String(bytes.array(), 0, bytes.position(), StandardCharsets.US_ASCII).strip();
      for (BlobLayout layout : values()) {
        if (layout.text.equals(text)) {
          return layout;
        }
      }
      throw new StorageException("%s names an unknown layout: %s".formatted(marker, text));
    }
    boolean used =
        disk.exists(base)
            && disk.list(base).stream()
                .map(file -> Objects.requireNonNull(file.getFileName()).toString())
                .anyMatch(name -> !name.startsWith(".") && !name.equals(TEMPORARY));
    return used ? LAWN : BUSHY;
  }

  /** What the marker says. */
  byte[] marker() {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** The directory of an object's files, below the blob directory. */
  Path path(Oid oid) {
    byte[] bytes = oid.toBytes();
    if (this == LAWN) {
      return Path.of(hexPrefixed(bytes));
    }
    Path path = Path.of("0x" + HEX.toHexDigits(bytes[0]));
    for (int i = 1; i < bytes.length; i++) {
      path = path.resolve("0x" + HEX.toHexDigits(bytes[i]));
    }
    return path;
  }

  /** As ZODB.utils.oid_repr: without leading zero bytes, but at least one. */
  static String hexPrefixed(byte[] bytes) {
    int from = 0;
    while (from < bytes.length - 1 && bytes[from] == 0) {
      from++;
    }
    return "0x" + HEX.formatHex(bytes, from, bytes.length);
  }
}
