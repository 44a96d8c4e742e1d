"""HTTP: OpenAI's routes, errors, streams and disconnects, and the operations routes. Plain ASGI throughout."""
