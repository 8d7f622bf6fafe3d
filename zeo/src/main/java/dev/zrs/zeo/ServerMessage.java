package dev.zrs.zeo;

import dev.zrs.pickle.Py;
import dev.zrs.pickle.PyTuple;
import dev.zrs.pickle.Unpickler;

/**
 * A message of a server, as a client sees it.
 *
 * @param id that of the call; 0 if it answers none
 * @param flag 2 for an error
 * @param name {@code .reply}, or the method that the server calls
 * @param arguments the value of a reply, the pair of an error, the arguments of a call
 */
record ServerMessage(Object id, int flag, String name, Object arguments) {
  /**
   * Reads a message.
   *
   * @throws dev.zrs.pickle.PickleException if it is no message
   */
  static ServerMessage decode(byte[] buffer, int offset, int length) {
    Object message = new Unpickler(buffer, offset, length, Request.LIMITS).load();
    PyTuple parts = Py.asTuple(message, 4);
    return new ServerMessage(
        parts.get(0), Py.asInt(parts.get(1)), Py.asText(parts.get(2)), parts.get(3));
  }

  boolean isReply() {
    return name.equals(Messages.REPLY);
  }

  boolean isError() {
    return flag == Messages.ERROR_FLAG;
  }

  /** The class of an error. */
  String error() {
    return Py.asText(Py.asTuple(arguments, 2).get(0));
  }

  /** What an error says. */
  Object errorArguments() {
    return Py.asTuple(arguments, 2).get(1);
  }
}
