package dev.zrs.server.config;

import dev.zrs.zconfig.Location;
import java.util.List;

/** The {@code <runner>} section: checked, but it speaks to zdaemon and not to the server. */
public record Runner(List<String> program, Location location) {
  public Runner {
    program = List.copyOf(program);
  }
}
