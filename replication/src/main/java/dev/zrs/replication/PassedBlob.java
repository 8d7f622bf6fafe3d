package dev.zrs.replication;

/** A blob that is here already: its blocks are counted and forgotten. For one thread. */
final class PassedBlob implements IncomingBlob {
  private long blocksLeft;

  PassedBlob(long blocks) {
    this.blocksLeft = blocks;
  }

  @Override
  public void write(byte[] block) {
    blocksLeft--;
  }

  @Override
  public boolean isComplete() {
    return blocksLeft == 0;
  }

  @Override
  public void finish() {
    // There is nothing to give.
  }

  @Override
  public void close() {
    // There is nothing to drop.
  }
}
