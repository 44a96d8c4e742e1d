"""HTTP to OpenAI-compatible servers: one connection, a pool of them, what errors mean, and answers that go on."""
