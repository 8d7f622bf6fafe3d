# Makes the Python environments with the real ZODB, ZEO, zc.zrs, kazoo and zc.zk. Sourced by ./test.

# A Python that can import the modules $1, up to version 3.$2.
find_python() {
  local candidate
  for candidate in python3.11 python3.12 python3.13 python3; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -W ignore -c "import sys, $1; sys.exit(not (3, 11) <= sys.version_info < (3, $2 + 1))" 2>/dev/null; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

# Makes the environment $1 from interop/requirements-$1.txt, unless that was done before.
make_peer() {
  local directory=.venvs/$1 requirements=interop/requirements-$1.txt python
  if cmp -s "$requirements" "$directory/made-from.txt"; then
    return 0
  fi
  # zc.zk is of Python 2: it is translated by a module that Python 3.13 lacks.
  if grep -q '^zc\.zk==' "$requirements"; then
    python=$(find_python "venv, ensurepip, lib2to3" 12) || {
      echo "the tests with zc.zk need Python 3.11 or 3.12 with venv and lib2to3:" \
        "install it (Debian: python3.11-venv python3-lib2to3)" >&2
      return 1
    }
  else
    python=$(find_python "venv, ensurepip" 13) || {
      echo "the tests need Python 3.11 to 3.13 with venv: install it (Debian: python3 python3-venv)" >&2
      return 1
    }
  fi
  echo "== making the Python environment $directory" >&2
  rm -rf "$directory"
  "$python" -m venv "$directory"
  "$directory/bin/python" -m pip install -q --disable-pip-version-check -r "$requirements" || return 1
  if grep -q '^zc\.zk==' "$requirements"; then
    "$directory/bin/python" -W ignore -m lib2to3 -w -n --no-diffs "$directory"/lib/python3.*/site-packages/zc/zk \
      >"$directory/2to3.log" 2>&1 || return 1
  fi
  cp "$requirements" "$directory/made-from.txt"
}

make_peers() {
  make_peer current
  make_peer legacy
  make_peer zookeeper
}
