package dev.zrs.server;

import java.lang.reflect.Proxy;

/**
 * Handlers of signals. The class of the JDK for it is none of its official ones, so javac warns of
 * each use, and nothing silences that; hence it is called by name.
 */
final class Signals {
  private Signals() {}

  /**
   * Has {@code handler} run, on a thread of its own, at each signal of this name. A signal that the
   * process was started to ignore stays ignored if it is one of those that end a process.
   *
   * @param name without SIG
   */
  static void handle(String name, Runnable handler) {
    try {
      Class<?> signalClass = Class.forName("sun.misc.Signal");
      Class<?> handlerClass = Class.forName("sun.misc.SignalHandler");
      Object signal = signalClass.getConstructor(String.class).newInstance(name);
      Object proxy =
          Proxy.newProxyInstance(
              handlerClass.getClassLoader(),
              new Class<?>[] {handlerClass},
              (self, method, arguments) -> {
                if (method.getName().equals("handle")) {
                  handler.run();
                }
                return null;
              });
      signalClass.getMethod("handle", signalClass, handlerClass).invoke(null, signal, proxy);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot handle SIG" + name, e);
    }
  }
}
