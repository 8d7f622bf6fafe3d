/**
 * The ZConfig configuration language: {@link dev.zrs.zconfig.ConfigReader} reads files into a tree
 * that knows its lines, {@link dev.zrs.zconfig.Schema} holds the tree against section types.
 */
@NullMarked
package dev.zrs.zconfig;

import org.jspecify.annotations.NullMarked;
