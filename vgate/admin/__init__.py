"""Who may operate a running server over TCP, and where."""
