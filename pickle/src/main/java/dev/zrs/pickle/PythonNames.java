package dev.zrs.pickle;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * The names of Python's own modules that changed with Python 3. Its pickler and unpickler translate
 * them for protocols 0 to 2, so that both Pythons understand each other.
 */
final class PythonNames {
  private static final String RESOURCE = "python-names.txt";

  private final Map<String, String> modules = new HashMap<>();
  private final Map<PyGlobal, PyGlobal> globals = new HashMap<>();

  private PythonNames() {}

  /** Loaded on first use only: most pickles need no translation. */
  private static final class Tables {
    static final PythonNames TO_PYTHON_3 = new PythonNames();
    static final PythonNames TO_PYTHON_2 = new PythonNames();

    static {
      read().lines().filter(line -> !line.startsWith("#")).forEach(Tables::add);
    }

    private static void add(String line) {
      String[] words = line.split(" ", -1);
      PythonNames names = words[0].equals("2to3") ? TO_PYTHON_3 : TO_PYTHON_2;
      if (words.length == 3) {
        names.modules.put(words[1], words[2]);
      } else {
        names.globals.put(new PyGlobal(words[1], words[2]), new PyGlobal(words[3], words[4]));
      }
    }

    private static String read() {
      try (InputStream in = PythonNames.class.getResourceAsStream(RESOURCE)) {
        if (in == null) {
          throw new IllegalStateException("the program is incomplete: no " + RESOURCE);
        }
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      } catch (IOException e) {
        throw new UncheckedIOException("can't read " + RESOURCE, e);
      }
    }
  }

  static PyGlobal toPython3(PyGlobal global) {
    return Tables.TO_PYTHON_3.translate(global);
  }

  static PyGlobal toPython2(PyGlobal global) {
    return Tables.TO_PYTHON_2.translate(global);
  }

  private PyGlobal translate(PyGlobal global) {
    PyGlobal known = globals.get(global);
    if (known != null) {
      return known;
    }
    String module = modules.get(global.module());
    return module == null ? global : new PyGlobal(module, global.name());
  }
}
