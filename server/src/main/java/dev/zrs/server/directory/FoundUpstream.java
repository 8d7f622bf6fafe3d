package dev.zrs.server.directory;

import dev.zrs.replication.Upstream;

/** An upstream that is found in a directory. Any thread may call. */
public interface FoundUpstream extends Upstream {
  DirectoryStatus status();
}
