package dev.zrs.server;

import dev.zrs.server.directory.DirectoryStatus;
import java.time.Instant;
import java.util.StringJoiner;

/** How it stands with a directory, as text or as JSON. */
final class DirectoryReport {
  private DirectoryReport() {}

  private static Json json(DirectoryStatus status) {
    return new Json()
        .put("connectionString", status.connectionString())
        .put("path", status.path())
        .put("awaySince", status.awaySince().map(Instant::toString).orElse(null))
        .put("problem", status.problem().orElse(null));
  }

  /** Of a server that is kept registered; without address while it isn't, or that isn't known. */
  static String registeredJson(DirectoryStatus status) {
    return json(status)
        .put("address", status.problem().isPresent() ? null : status.addresses().getFirst())
        .toString();
  }

  /** Of an upstream that is looked up. */
  static String lookupJson(DirectoryStatus status) {
    StringJoiner addresses = new StringJoiner(",", "[", "]");
    status.addresses().forEach(address -> addresses.add(Json.quote(address)));
    return json(status).raw("addresses", addresses.toString()).toString();
  }

  static String registeredText(DirectoryStatus status) {
    String state =
        status.awaySince().isPresent()
            ? "perhaps registered"
            : status.problem().isPresent() ? "NOT registered" : "registered";
    return "%s as %s below %s in %s"
        .formatted(state, status.addresses().getFirst(), status.path(), text(status));
  }

  static String lookupText(DirectoryStatus status) {
    return "found below %s in %s: %s"
        .formatted(
            status.path(),
            text(status),
            status.addresses().isEmpty() ? "nobody" : String.join(", ", status.addresses()));
  }

  private static String text(DirectoryStatus status) {
    return "ZooKeeper %s%s%s"
        .formatted(
            status.connectionString(),
            status.awaySince().map(" (away since %s)"::formatted).orElse(""),
            status.problem().map(" (%s)"::formatted).orElse(""));
  }
}
