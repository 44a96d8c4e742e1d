"""The worker that has seen the beginning of this prompt before, so that its prefix cache has it."""

import math
from collections import OrderedDict
from collections.abc import Sequence

from vgate.routing.base import Hint, Routing
from vgate.routing.prefix import blocks, home
from vgate.workers.worker import Worker


class PrefixAffinity(Routing):
    """Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam, SODA 2018), and a memory of prompts.

    A prompt is cut into blocks of `block_bytes`, at most `max_blocks` of them; what is behind is not looked at. A block
    stands for the whole text up to its end. The request goes to where its longest known beginning was sent last; with
    none known, to the home of its first block, which is the same in every gateway and does not change when other
    workers come or go. Prompts shorter than a block go to the least loaded.

    Never to a worker with more in flight, the new one included, than `load_factor` times its share of all, or `slack`
    if that is more: a beginning that is in great demand so spreads to further workers, as few as needed. The last
    `remembered` blocks are known. Blocks are of bytes, not of tokens: vLLM's are 16 tokens, some 64 bytes of English.
    """

    def __init__(self, block_bytes: int, max_blocks: int, remembered: int, load_factor: float, slack: int) -> None:
        self._block_bytes, self._max_blocks, self._remembered = block_bytes, max_blocks, remembered
        self._load_factor, self._slack = load_factor, slack
        self._sent: OrderedDict[bytes, str] = OrderedDict()  # block -> URL

    def choose(self, candidates: Sequence[Worker], hint: Hint) -> Worker:
        light = self._light(candidates)
        text = hint.text(self._block_bytes * self._max_blocks)
        prefix = blocks(text, self._block_bytes, hint.model)
        if not prefix:
            return min(light, key=lambda worker: (worker.in_flight + 1) / worker.weight)
        chosen = self._known(prefix, light) or home(prefix[0], light)
        self._remember(prefix, chosen)
        return chosen

    def _light(self, candidates: Sequence[Worker]) -> list[Worker]:
        """Those that are below their bound. There is always one: the bounds together are more than all in flight."""
        all_in_flight = sum(worker.in_flight for worker in candidates) + 1
        all_weight = sum(worker.weight for worker in candidates)
        return [
            worker
            for worker in candidates
            if worker.in_flight < _bound(worker.weight / all_weight, all_in_flight, self._load_factor, self._slack)
        ]

    def _known(self, prefix: Sequence[bytes], light: Sequence[Worker]) -> Worker | None:
        by_url = {worker.url: worker for worker in light}
        for block in reversed(prefix):
            worker = by_url.get(self._sent.get(block, ""))
            if worker is not None:
                return worker
        return None

    def _remember(self, prefix: Sequence[bytes], worker: Worker) -> None:
        for block in prefix:
            self._sent[block] = worker.url
            self._sent.move_to_end(block)
        while len(self._sent) > self._remembered:
            self._sent.popitem(last=False)


def _bound(share: float, all_in_flight: int, load_factor: float, slack: int) -> int:
    return max(slack, math.ceil(load_factor * all_in_flight * share))
