# Finds a JDK 25 or newer and sets JAVA_HOME to it, or says what to install and ends the script.
# Sourced by ./zrs and ./test.

# The major version of the JDK at $1; nothing if there is none, or only a runtime without a compiler.
jdk_version() {
  [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] || return 0
  if [ -r "$1/release" ]; then
    sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release"
  else
    "$1/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p'
  fi
}

find_jdk() {
  local java candidate version
  java=$(command -v javac || true)
  [ -z "$java" ] || java=$(dirname "$(dirname "$(readlink -f "$java")")")
  for candidate in "${JAVA_HOME:-}" "$java" \
    /usr/lib/jvm/* /usr/java/* /opt/*jdk* /opt/java/* "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home; do
    [ -n "$candidate" ] && [ -d "$candidate" ] || continue
    version=$(jdk_version "$candidate")
    if [ -n "$version" ] && [ "$version" -ge 25 ]; then
      JAVA_HOME=$candidate
      export JAVA_HOME
      return 0
    fi
  done
  echo "zrs needs a JDK 25 or newer: install one (Debian: temurin-25-jdk or openjdk-25-jdk-headless) or set JAVA_HOME to it" >&2
  exit 1
}

need_maven() {
  command -v mvn >/dev/null || {
    echo "zrs is built with Maven: install it (Debian: maven)" >&2
    exit 1
  }
}
