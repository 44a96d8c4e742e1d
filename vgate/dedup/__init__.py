"""Identical requests at the same time, generated once."""
