package dev.zrs.replication;

/**
 * How long a frame may be.
 *
 * @param bytes at most
 * @param what the frame is, and what could be done, for messages
 */
record FrameLimit(int bytes, String what) {}
