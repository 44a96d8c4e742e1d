"""Watching the request path without power over it: metrics, logs, records."""
