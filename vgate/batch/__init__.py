"""When a request enters the engine."""
