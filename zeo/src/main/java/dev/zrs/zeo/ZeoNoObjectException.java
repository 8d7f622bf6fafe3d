package dev.zrs.zeo;

/** There is no such object (POSKeyError), or not this revision of it. */
public final class ZeoNoObjectException extends ZeoCallException {
  private static final long serialVersionUID = 1;

  ZeoNoObjectException(String method, String className, Object arguments) {
    super(method, className, arguments, text(arguments));
  }
}
