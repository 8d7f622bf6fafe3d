package dev.zrs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is in a simulated file system: directories and files by their number, {@value #ROOT} being
 * the root. For one thread at a time.
 */
final class SimulatedFiles {
  static final int ROOT = 0;

  private final Map<Integer, Map<String, Integer>> directories = new LinkedHashMap<>();
  private final Map<Integer, Content> files = new LinkedHashMap<>();

  /** What is in a file. */
  private static final class Content {
    private byte[] bytes = new byte[0];
    private int size;
    private boolean readOnly;
  }

  SimulatedFiles() {
    directories.put(ROOT, new LinkedHashMap<>());
  }

  SimulatedFiles copy() {
    SimulatedFiles copy = new SimulatedFiles();
    directories.forEach((id, names) -> copy.directories.put(id, new LinkedHashMap<>(names)));
    files.forEach(
        (id, content) -> {
          Content other = copy.content(id);
          other.bytes = Arrays.copyOf(content.bytes, content.size);
          other.size = content.size;
          other.readOnly = content.readOnly;
        });
    return copy;
  }

  private Content content(int file) {
    return files.computeIfAbsent(file, id -> new Content());
  }

  /** The number of the node with this name; null if there is none. */
  @Nullable Integer find(int directory, String name) {
    return names(directory).get(name);
  }

  Map<String, Integer> names(int directory) {
    Map<String, Integer> names = directories.get(directory);
    if (names == null) {
      throw new IllegalArgumentException("node " + directory + " is no directory");
    }
    return names;
  }

  boolean isDirectory(int node) {
    return directories.containsKey(node);
  }

  int size(int file) {
    return content(file).size;
  }

  boolean isReadOnly(int file) {
    return content(file).readOnly;
  }

  int read(int file, ByteBuffer target, long position) {
    Content content = content(file);
    int count = (int) Math.max(0, Math.min(target.remaining(), content.size - position));
    target.put(content.bytes, (int) Math.min(position, content.size), count);
    return count;
  }

  /** Knows a new directory, although it may have no name: others may have come to stand in it. */
  void makeNode(DiskChange change) {
    if (change instanceof DiskChange.MakeDirectory made) {
      directories.putIfAbsent(made.made(), new LinkedHashMap<>());
    }
  }

  /**
   * Makes a change. If it is not certain to have happened it is left out where it would contradict
   * what else has survived: a directory that is not empty can't be removed or replaced.
   */
  void apply(DiskChange change, boolean certain) {
    switch (change) {
      case DiskChange.Write write -> write(write.file(), write.position(), write.bytes());
      case DiskChange.Truncate truncate -> resize(truncate.file(), (int) truncate.size());
      case DiskChange.MakeReadOnly made -> content(made.file()).readOnly = true;
      case DiskChange.Name named -> {
        content(named.file());
        names(named.directory()).put(named.name(), named.file());
      }
      case DiskChange.MakeDirectory made -> {
        makeNode(made);
        Integer present = find(made.directory(), made.name());
        if (certain || present == null || !isDirectory(present)) {
          names(made.directory()).put(made.name(), made.made());
        }
      }
      case DiskChange.Remove removed -> {
        Integer present = find(removed.directory(), removed.name());
        if (certain || present == null || !isDirectory(present) || names(present).isEmpty()) {
          names(removed.directory()).remove(removed.name());
        }
      }
      case DiskChange.Rename renamed -> {
        names(renamed.from()).remove(renamed.name(), renamed.node());
        names(renamed.directory()).put(renamed.newName(), renamed.node());
      }
    }
  }

  void write(int file, long position, byte[] bytes) {
    Content content = content(file);
    int end = (int) position + bytes.length;
    if (end > content.size) {
      resize(file, end);
    }
    System.arraycopy(bytes, 0, content.bytes, (int) position, bytes.length);
  }

  /** Cuts a file, or makes it longer with zeros. */
  void resize(int file, int size) {
    Content content = content(file);
    if (size > content.bytes.length) {
      content.bytes = Arrays.copyOf(content.bytes, Math.max(size, 2 * content.size));
    } else if (size < content.size) {
      Arrays.fill(content.bytes, size, content.size, (byte) 0);
    }
    content.size = size;
  }

  /** Makes it all real, below a directory that exists. */
  void writeTo(Path target) throws IOException {
    writeTo(ROOT, target);
  }

  private void writeTo(int directory, Path target) throws IOException {
    for (Map.Entry<String, Integer> entry : names(directory).entrySet()) {
      Path path = target.resolve(entry.getKey());
      int node = entry.getValue();
      if (isDirectory(node)) {
        Files.createDirectories(path);
        writeTo(node, path);
      } else {
        Content content = content(node);
        Files.write(path, Arrays.copyOf(content.bytes, content.size));
        if (content.readOnly && !path.toFile().setReadOnly()) {
          throw new IOException("can't make read-only: " + path);
        }
      }
    }
  }
}
