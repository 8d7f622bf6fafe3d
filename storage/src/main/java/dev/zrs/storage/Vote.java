package dev.zrs.storage;

/** What came of a vote: see {@link FileStorage#tryVote}. */
public sealed interface Vote permits VotedTransaction, UnresolvedConflicts {}
