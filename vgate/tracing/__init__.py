"""Requests followed from process to process."""
