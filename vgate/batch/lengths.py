"""How long answers turn out, learned per API key."""

import math
from collections import OrderedDict, deque

from vgate.types import Job

# API keys whose answers are remembered, those seen last.
REMEMBERED_KEYS = 1024
# Answers remembered of each key, and how many it takes to go by them.
REMEMBERED, ENOUGH = 64, 8


class Lengths:
    """Expects of each answer the share of its allowance that `quantile` of its key's latest answers kept within."""

    def __init__(self, quantile: float) -> None:
        self.quantile = quantile
        self._shares: OrderedDict[str, deque[float]] = OrderedDict()

    def expected(self, job: Job) -> int:
        """Output tokens to expect; all that are allowed, until enough answers of this key have ended."""
        shares = sorted(self._shares.get(job.call.caller, ()))
        if len(shares) < ENOUGH:
            return job.max_tokens
        return math.ceil(shares[math.ceil(self.quantile * len(shares)) - 1] * job.max_tokens)

    def learn(self, job: Job, tokens: int) -> None:
        """An answer has come to its own end after so many tokens."""
        if job.max_tokens < 1:
            return
        shares = self._shares.setdefault(job.call.caller, deque(maxlen=REMEMBERED))
        shares.append(min(1.0, tokens / job.max_tokens))
        self._shares.move_to_end(job.call.caller)
        if len(self._shares) > REMEMBERED_KEYS:
            self._shares.popitem(last=False)
