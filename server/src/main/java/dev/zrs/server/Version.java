package dev.zrs.server;

import java.util.Objects;
import picocli.CommandLine.IVersionProvider;

/** The version of the program, as the jar's manifest has it. */
final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    String version = Version.class.getPackage().getImplementationVersion();
    return new String[] {"zrs " + Objects.requireNonNullElse(version, "(not packaged)")};
  }
}
