"""Collect a batch, run it to its end, then admit the next: the original V-Gate."""

from vgate.batch.windows import Collecting


class Lockstep(Collecting):
    """At most one batch is in the engine. What has become due meanwhile goes as soon as that one is done."""

    @property
    def exclusive(self) -> bool:
        return True

    def _may_dispatch(self) -> bool:
        return self.running == 0
