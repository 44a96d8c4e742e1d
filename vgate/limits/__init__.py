"""What a key has used of its limits, and where that is counted."""
