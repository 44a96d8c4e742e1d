"""Searching a space of settings for the best: which axes there are, what to try next, what may be said after."""
