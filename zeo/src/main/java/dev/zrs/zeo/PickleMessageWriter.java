package dev.zrs.zeo;

import dev.zrs.pickle.PickleWriter;

/** Messages as pickles of protocol 3 without memo (ZEO/asyncio/marshal.py, encoder). */
final class PickleMessageWriter implements MessageWriter {
  private final PickleWriter out = PickleWriter.zeo();

  @Override
  public void reset() {
    out.reset();
  }

  @Override
  public byte[] buffer() {
    return out.buffer();
  }

  @Override
  public int size() {
    return out.size();
  }

  @Override
  public MessageWriter begin() {
    out.start();
    return this;
  }

  @Override
  public MessageWriter end() {
    out.stop();
    return this;
  }

  @Override
  public MessageWriter beginTuple(int parts) {
    if (parts > 3) {
      out.mark();
    }
    return this;
  }

  @Override
  public MessageWriter endTuple(int parts) {
    switch (parts) {
      case 0 -> out.emptyTuple();
      case 1 -> out.tuple1();
      case 2 -> out.tuple2();
      case 3 -> out.tuple3();
      default -> out.tuple();
    }
    return this;
  }

  @Override
  public MessageWriter beginList(int parts) {
    out.emptyList();
    if (parts > 1) {
      out.mark();
    }
    return this;
  }

  @Override
  public MessageWriter endList(int parts) {
    if (parts == 1) {
      out.append();
    } else if (parts > 1) {
      out.appends();
    }
    return this;
  }

  @Override
  public MessageWriter beginDict(int entries) {
    out.emptyDict();
    if (entries > 1) {
      out.mark();
    }
    return this;
  }

  @Override
  public MessageWriter endDict(int entries) {
    if (entries == 1) {
      out.setItem();
    } else if (entries > 1) {
      out.setItems();
    }
    return this;
  }

  @Override
  public MessageWriter none() {
    out.none();
    return this;
  }

  @Override
  public MessageWriter bool(boolean value) {
    out.bool(value);
    return this;
  }

  @Override
  public MessageWriter integer(long value) {
    out.integer(value);
    return this;
  }

  @Override
  public MessageWriter text(String value) {
    out.text(value);
    return this;
  }

  @Override
  public MessageWriter bytes(byte[] source, int offset, int length) {
    out.bytes(source, offset, length);
    return this;
  }

  @Override
  public MessageWriter bytes8(long value) {
    out.bytes8(value);
    return this;
  }

  @Override
  public MessageWriter value(Object value) {
    out.value(value);
    return this;
  }
}
