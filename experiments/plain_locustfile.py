"""The load test that a Locust user writes: so many users, each so many requests a second, Locust's own statistics."""

import os

from locust import FastHttpUser, constant_throughput, task

RATE, USERS = float(os.environ["RATE"]), int(os.environ["USERS"])


class Plain(FastHttpUser):
    """Asks for a whole answer of one token."""

    wait_time = constant_throughput(RATE / USERS)

    @task
    def chat(self) -> None:
        """One request."""
        body = {"model": "golden", "messages": [{"role": "user", "content": "now"}], "max_tokens": 1}
        self.client.post("/v1/chat/completions", json=body)
