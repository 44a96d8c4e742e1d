"""Collect a batch, run it to its end, then admit the next: the original V-Gate."""

from vgate.batch.windows import Collecting
from vgate.types import Capacity


class Lockstep(Collecting):
    """At most one batch is in the engine. What has become due meanwhile goes as soon as that one is done."""

    @property
    def exclusive(self) -> bool:
        return True

    def _used(self) -> Capacity:
        capacity = self._capacity()
        return capacity._replace(sequences=min(capacity.sequences or self.max_batch_size, self.max_batch_size))

    def _may_dispatch(self) -> bool:
        return self.running == 0
