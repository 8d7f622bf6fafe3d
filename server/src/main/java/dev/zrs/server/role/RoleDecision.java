package dev.zrs.server.role;

import dev.zrs.zconfig.Address;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Decides, when a server starts, which role a storage has. */
public final class RoleDecision {
  private static final Logger LOG = LoggerFactory.getLogger("ZEO.runzeo");

  private RoleDecision() {}

  /**
   * Checks a storage that is in no {@code <zrs>} section.
   *
   * @throws RoleException if its role file says that it is a secondary
   */
  public static void requireNoSecondary(String storage, RoleFile file) {
    if (file.read().map(RoleFile.Entry::role).orElse(null) instanceof Role.Secondary secondary) {
      throw new RoleException(
          ("storage '%s' is in no <zrs> section of zeo.conf, but %s, says %s. If zeo.conf is right,"
                  + " run: zrs role --clear -C zeo.conf. Else put the storage into a <zrs> section with:"
                  + " replicate-from %s")
              .formatted(storage, secondary.text(), file.path(), secondary.upstream().text()));
    }
  }

  /**
   * The role of a storage.
   *
   * @param storage its name
   * @param configured replicate-from of zeo.conf
   * @param where the file and line of it, or of the section that lacks it
   * @throws RoleException if zeo.conf and the role file contradict each other
   */
  public static Role decide(
      String storage, Optional<Address> configured, String where, RoleFile file) {
    Role asConfigured = configured.<Role>map(Role.Secondary::new).orElseGet(Role.Primary::new);
    Optional<RoleFile.Entry> entry = file.read();
    if (entry.isEmpty()) {
      return asConfigured;
    }
    Role given = entry.get().role();
    if (given.text().equals(asConfigured.text())) {
      LOG.info(
          "storage '{}': zeo.conf says {} now, as {} does, which is removed",
          storage,
          given.text(),
          file.path());
      file.clear();
      return asConfigured;
    }
    if (entry.get().copiedFrom().isPresent() && given instanceof Role.Primary) {
      throw new RoleException(
          ("storage '%s' is to be %s, says zeo.conf (%s), but %s says %s. It was copied from another"
                  + " server, which has written it to %s: remove it, or run: zrs role --clear -C zeo.conf")
              .formatted(
                  storage,
                  asConfigured.text(),
                  where,
                  file.path(),
                  given.text(),
                  entry.get().copiedFrom().get()));
    }
    if (entry.get().configured().equals(configured.map(Address::text))) {
      LOG.warn(
          "storage '{}' is {} since {}, as an operator said (zrs {}); zeo.conf still says {} ({})."
              + " Change it there when you can",
          storage,
          given.text(),
          entry.get().since(),
          given instanceof Role.Primary ? "promote" : "follow",
          asConfigured.text(),
          where);
      return given;
    }
    throw new RoleException(
        ("storage '%s' is to be %s, says zeo.conf (%s), but %s, says %s, which an operator wrote at"
                + " %s by zrs %s. If zeo.conf is right, run: zrs role --clear -C zeo.conf. Else change that line:"
                + " %s")
            .formatted(
                storage,
                asConfigured.text(),
                where,
                given.text(),
                file.path(),
                entry.get().since(),
                given instanceof Role.Primary ? "promote" : "follow",
                given instanceof Role.Secondary secondary
                    ? "replicate-from " + secondary.upstream().text()
                    : "no replicate-from"));
  }
}
