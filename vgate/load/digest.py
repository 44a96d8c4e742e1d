"""A plan in one number: what is sent, and when."""

import hashlib
from itertools import islice

from vgate.load.base import Load
from vgate.workload.base import Workload

MODEL = "model"  # in place of the served model's name, which does not belong to the plan


def schedule_digest(load: Load, workload: Workload, seed: int, n: int) -> str:
    """SHA-256 over the first `n` requests of a seeded plan: slots, due times in nanoseconds, bodies. Sends nothing.

    Equal for equal plans on every machine. A trace that ends sooner is hashed to its end.
    """
    found = hashlib.sha256()
    for slot, offset in islice(load.slots(seed), n):
        due = "" if offset is None else round(offset * 1e9)
        found.update(f"{slot.name} {due}\n".encode())
        found.update(workload.body(seed, slot, MODEL) + b"\n")
    return found.hexdigest()
