package dev.zrs.server;

import dev.zrs.replication.MissingBlobs.MissingBlob;
import dev.zrs.replication.ReplicationPrimary;
import dev.zrs.replication.SecondaryState;
import dev.zrs.replication.SecondaryStatus;
import dev.zrs.replication.SenderStatus;
import dev.zrs.server.directory.DirectoryStatus;
import dev.zrs.server.directory.FoundUpstream;
import dev.zrs.storage.Storage;
import dev.zrs.storage.StorageException;
import dev.zrs.storage.Tid;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.StringJoiner;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Where a server and its replication stand, as text or as JSON. For one thread. */
final class StatusReport {
  private final Node node;
  private final Instant now;

  StatusReport(Node node, Instant now) {
    this.node = node;
    this.now = now;
  }

  String json() {
    StringJoiner storages = new StringJoiner(",", "[", "]");
    node.storages().forEach((name, storage) -> storages.add(storageJson(name, storage)));
    return new Json()
            .put("pid", ProcessHandle.current().pid())
            .put("version", String.join(" ", new Version().getVersion()))
            .put("zeo", Node.text(node.zeoAddress()))
            .put("clients", node.clients())
            .raw("zookeeper", orNull(node.zeoDirectory(), DirectoryReport::registeredJson))
            .raw("storages", storages.toString())
        + "\n";
  }

  private static String role(@Nullable ReplicatedStorage replicated) {
    return replicated == null ? "standalone" : replicated.isSecondary() ? "secondary" : "primary";
  }

  private String storageJson(String name, Storage storage) {
    ReplicatedStorage replicated = node.replicated().get(name);
    Tid last = storage.lastTransaction();
    return new Json()
        .put("name", name)
        .put("file", storage.name())
        .put("role", role(replicated))
        .put("readOnly", storage.isReadOnly() || (replicated != null && replicated.isSecondary()))
        .put("lastTid", last.toString())
        .put("lastTime", time(last))
        .put("failure", storage.failure().map(StorageException::getMessage).orElse(null))
        .raw("primary", orNull(primary(replicated), sender -> primaryJson(replicated, sender)))
        .raw(
            "secondary", orNull(secondary(replicated), status -> secondaryJson(replicated, status)))
        .toString();
  }

  private static Optional<ReplicationPrimary> primary(@Nullable ReplicatedStorage replicated) {
    return replicated == null ? Optional.empty() : replicated.primary();
  }

  private static Optional<SecondaryStatus> secondary(@Nullable ReplicatedStorage replicated) {
    return replicated == null
        ? Optional.empty()
        : replicated.secondary().map(follower -> follower.status());
  }

  private static <T> String orNull(Optional<T> value, Function<T, String> json) {
    return value.map(json).orElse("null");
  }

  private static @Nullable String time(Tid tid) {
    return tid.equals(Tid.NONE) ? null : tid.toInstant().toString();
  }

  private static <T> String list(List<T> values, Function<T, String> json) {
    StringJoiner joined = new StringJoiner(",", "[", "]");
    values.forEach(value -> joined.add(json.apply(value)));
    return joined.toString();
  }

  private static Optional<DirectoryStatus> registration(@Nullable ReplicatedStorage replicated) {
    return replicated == null ? Optional.empty() : replicated.registration();
  }

  /** Where the upstream is looked up, if it is. */
  private static Optional<DirectoryStatus> lookup(@Nullable ReplicatedStorage replicated) {
    return replicated == null
        ? Optional.empty()
        : replicated
            .secondary()
            .flatMap(
                follower ->
                    follower.upstream() instanceof FoundUpstream found
                        ? Optional.of(found.status())
                        : Optional.empty());
  }

  private String primaryJson(@Nullable ReplicatedStorage replicated, ReplicationPrimary primary) {
    return new Json()
        .put("address", Node.text(primary.address()))
        .raw("zookeeper", orNull(registration(replicated), DirectoryReport::registeredJson))
        .put("missingBlobs", primary.missingBlobs().count())
        .raw("missingBlobFiles", list(primary.missingBlobs().listed(), StatusReport::blobJson))
        .raw("secondaries", list(primary.secondaries(), StatusReport::senderJson))
        .toString();
  }

  private static String blobJson(MissingBlob blob) {
    return new Json()
        .put("oid", blob.oid().toString())
        .put("tid", blob.tid().toString())
        .put("path", blob.file().toString())
        .toString();
  }

  private static String senderJson(SenderStatus sender) {
    return new Json()
        .put("address", sender.address())
        .put("protocol", sender.protocol().orElse(null))
        .put("since", sender.since().toString())
        .put("sentTid", sender.sent().toString())
        .put("sentTime", time(sender.sent()))
        .put("acknowledged", false)
        .put("leftTransactions", sender.left().transactions())
        .put("leftTransactionsExact", sender.left().exact())
        .put("leftBytes", sender.left().bytes())
        .raw("leftSeconds", seconds(sender))
        .toString();
  }

  private static String seconds(SenderStatus sender) {
    return String.format(Locale.ROOT, "%.3f", sender.lag().toNanos() / 1e9);
  }

  private String secondaryJson(@Nullable ReplicatedStorage replicated, SecondaryStatus status) {
    OptionalInt percent = status.progressPercent(now);
    return new Json()
        .put("upstream", status.upstream())
        .raw("zookeeper", orNull(lookup(replicated), DirectoryReport::lookupJson))
        .put("state", status.state().text())
        .put("since", status.since().toString())
        .put("receivedTid", status.received().toString())
        .put("appliedTid", status.applied().toString())
        .put("appliedTime", time(status.applied()))
        .put("incompleteTid", status.incomplete().map(Tid::toString).orElse(null))
        .raw("progressPercent", percent.isPresent() ? "" + percent.getAsInt() : "null")
        .put("receivedBytes", status.receivedBytes())
        .put("connections", status.connections())
        .put("reconnects", Math.max(0, status.connections() - 1))
        .put("lastError", status.lastError().orElse(null))
        .toString();
  }

  String text() {
    StringBuilder text = new StringBuilder();
    line(
        text,
        "%s, process %d, ZEO at %s, %d clients"
            .formatted(
                String.join(" ", new Version().getVersion()),
                ProcessHandle.current().pid(),
                Node.text(node.zeoAddress()),
                node.clients()));
    node.zeoDirectory()
        .ifPresent(status -> line(text, "  " + DirectoryReport.registeredText(status)));
    node.storages().forEach((name, storage) -> storageText(text, name, storage));
    return text.toString();
  }

  private void storageText(StringBuilder text, String name, Storage storage) {
    ReplicatedStorage replicated = node.replicated().get(name);
    line(text, "storage '%s' (%s): %s".formatted(name, storage.name(), role(replicated)));
    line(text, "  last transaction   %s".formatted(at(storage.lastTransaction())));
    storage
        .failure()
        .ifPresent(reason -> line(text, "  WRITES NO MORE     %s".formatted(reason.getMessage())));
    secondary(replicated).ifPresent(status -> secondaryText(text, status));
    lookup(replicated).ifPresent(status -> line(text, "    " + DirectoryReport.lookupText(status)));
    primary(replicated).ifPresent(primary -> primaryText(text, primary));
    registration(replicated)
        .ifPresent(status -> line(text, "    " + DirectoryReport.registeredText(status)));
  }

  private void secondaryText(StringBuilder text, SecondaryStatus status) {
    OptionalInt percent = status.progressPercent(now);
    line(
        text,
        "  follows %s: %s since %s%s"
            .formatted(
                status.upstream(),
                status.state().text(),
                status.since(),
                status.state() == SecondaryState.CATCHING_UP
                    ? ", at %s%s"
                        .formatted(
                            status.applied().toUtcText(),
                            percent.isPresent()
                                ? ", %d %% of the time span".formatted(percent.getAsInt())
                                : "")
                    : ""));
    line(
        text,
        "    %d bytes received, %d reconnects"
            .formatted(status.receivedBytes(), Math.max(0, status.connections() - 1)));
    status
        .incomplete()
        .ifPresent(
            tid -> line(text, "    of transaction %s only a part has arrived".formatted(at(tid))));
    status.lastError().ifPresent(error -> line(text, "    last error: %s".formatted(error)));
  }

  private static void primaryText(StringBuilder text, ReplicationPrimary primary) {
    List<SenderStatus> senders = primary.secondaries();
    line(
        text,
        "  sends at %s to %d secondaries (what was sent is not acknowledged by this protocol)"
            .formatted(Node.text(primary.address()), senders.size()));
    for (SenderStatus sender : senders) {
      line(
          text,
          "    %s (%s) since %s: sent %s; left: %s%d transactions, %d bytes, %s s"
              .formatted(
                  sender.address(),
                  sender.protocol().orElse("no greeting yet"),
                  sender.since(),
                  at(sender.sent()),
                  sender.left().exact() ? "" : "more than ",
                  sender.left().transactions(),
                  sender.left().bytes(),
                  seconds(sender)));
    }
    if (primary.missingBlobs().count() > 0) {
      line(text, "    blob files that were missing: %d".formatted(primary.missingBlobs().count()));
      for (MissingBlob blob : primary.missingBlobs().listed()) {
        line(text, "      oid %s, tid %s: %s".formatted(blob.oid(), blob.tid(), blob.file()));
      }
    }
  }

  private static String at(Tid tid) {
    return tid.equals(Tid.NONE) ? "none" : "%s (%s UTC)".formatted(tid, tid.toUtcText());
  }

  private static void line(StringBuilder text, String line) {
    text.append(line).append('\n');
  }
}
