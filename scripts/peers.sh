# Makes the two Python environments with the real ZODB, ZEO and zc.zrs. Sourced by ./test.

find_python() {
  local candidate
  for candidate in python3.11 python3.12 python3.13 python3; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
      echo "$candidate"
      return 0
    fi
  done
  echo "the tests need Python 3.11 to 3.13 with venv: install it (Debian: python3 python3-venv)" >&2
  return 1
}

# Makes the environment $1 from interop/requirements-$1.txt, unless that was done before.
make_peer() {
  local directory=.venvs/$1 requirements=interop/requirements-$1.txt python
  if cmp -s "$requirements" "$directory/made-from.txt"; then
    return 0
  fi
  python=$(find_python)
  echo "== making the Python environment $directory" >&2
  rm -rf "$directory"
  "$python" -m venv "$directory"
  "$directory/bin/python" -m pip install -q --disable-pip-version-check -r "$requirements"
  cp "$requirements" "$directory/made-from.txt"
}

make_peers() {
  make_peer current
  make_peer legacy
}
