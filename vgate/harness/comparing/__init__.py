"""Is B better than A? Two configurations measured in turn, and one rule for what may be said of them."""
