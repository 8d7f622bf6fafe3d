package dev.zrs.server.role;

import dev.zrs.zconfig.Address;

/** What a replicated storage is. */
public sealed interface Role {
  /** It takes commits. */
  record Primary() implements Role {
    @Override
    public String text() {
      return "primary";
    }
  }

  /** It follows an upstream, and takes no commits. */
  record Secondary(Address upstream) implements Role {
    @Override
    public String text() {
      return "secondary of " + upstream.text();
    }
  }

  /** As operators read it. */
  String text();
}
