"""In what order waiting requests are admitted, and how many may wait."""
