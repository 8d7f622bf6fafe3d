package dev.zrs.server.logging;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Puts a file aside at times, under its name with the time at which it was begun. A file that has
 * that name already is left alone, and the new one goes on: Python up to 3.11 loses the older.
 */
final class TimedRotation implements Rotation {
  private final RotationSchedule schedule;
  private final int oldFiles;
  private final InstantSource clock;
  private final ZoneId zone;
  private Instant due;

  /**
   * Begins with a file.
   *
   * @param file may not exist; if it does, it was begun when it was last written to
   */
  TimedRotation(
      RotationSchedule schedule, int oldFiles, Path file, InstantSource clock, ZoneId zone)
      throws IOException {
    this.schedule = schedule;
    this.oldFiles = oldFiles;
    this.clock = clock;
    this.zone = zone;
    Instant begun = Files.exists(file) ? Files.getLastModifiedTime(file).toInstant() : now();
    this.due = schedule.next(begun.truncatedTo(ChronoUnit.SECONDS), zone);
  }

  private Instant now() {
    return clock.instant().truncatedTo(ChronoUnit.SECONDS);
  }

  @Override
  public boolean isDue(long size, String entry) {
    return !now().isBefore(due);
  }

  @Override
  public void passOver() {
    due = schedule.next(now(), zone);
  }

  @Override
  public void rotate(Path file) throws IOException {
    Instant now = now();
    Path old = file.resolveSibling(file.getFileName() + "." + schedule.suffix(due, now, zone));
    if (Files.exists(file) && !Files.exists(old)) {
      Files.move(file, old);
      deleteOldest(file);
    }
    due = schedule.next(now, zone);
  }

  private void deleteOldest(Path file) throws IOException {
    List<Path> old = new ArrayList<>();
    try (Stream<Path> siblings = Files.list(file.toAbsolutePath().getParent())) {
      siblings.filter(sibling -> isOldFile(sibling, file)).sorted().forEach(old::add);
    }
    for (Path oldest : old.subList(0, Math.max(0, old.size() - oldFiles))) {
      Files.delete(oldest);
    }
  }

  private boolean isOldFile(Path sibling, Path file) {
    String name = String.valueOf(file.getFileName());
    String other = String.valueOf(sibling.getFileName());
    // Something may have compressed them, and put its own ending behind ours.
    return other.startsWith(name + ".")
        && Pattern.compile("\\.")
            .splitAsStream(other.substring(name.length() + 1))
            .anyMatch(schedule::isSuffix);
  }
}
