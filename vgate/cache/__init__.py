"""Answers given before, and the key under which a request finds them."""
