/** What the tests of every module share: the Python peers, faulty files and sockets. */
@NullMarked
package dev.zrs.testkit;

import org.jspecify.annotations.NullMarked;
