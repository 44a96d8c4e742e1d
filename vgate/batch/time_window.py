"""Collect a batch, let it go, collect the next: batches overlap in the engine."""

from vgate.batch.windows import Collecting


class TimeWindow(Collecting):
    """Full or due batches enter the engine at once, whatever else runs there."""
