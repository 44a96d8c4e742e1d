"""What it costs to change a setting between two cells."""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any


class Cost(IntEnum):
    """What must happen before a cell with another value of a key can be measured, cheapest first.

    NOTHING: the key names, paces or judges a run, or the bench sets it itself; another value is no other measurement.
    CLIENT: the load driver gets another plan.
    SWAP: the gateway's components are exchanged in the running server; the engine stays, and forgets its prefixes.
    RESTART: the server is started anew, tens of seconds with vLLM.
    """

    NOTHING = 0
    CLIENT = 1
    SWAP = 2
    RESTART = 3


# Section or dotted key -> cost. Of several names that a key begins with, the longest decides.
COSTS = {
    "version": Cost.NOTHING,
    "server": Cost.RESTART,
    "server.host": Cost.NOTHING,  # the bench's server listens on the loopback address,
    "server.port": Cost.NOTHING,  # on a free port,
    "server.tls": Cost.NOTHING,  # without TLS,
    "admin": Cost.NOTHING,  # and without an admin port
    "model": Cost.RESTART,
    "engine": Cost.RESTART,
    "ray": Cost.RESTART,
    "embedding": Cost.RESTART,
    "logging": Cost.RESTART,
    "tracing": Cost.RESTART,
    "routing": Cost.SWAP,
    "queue": Cost.SWAP,
    "batch": Cost.SWAP,
    "cache": Cost.SWAP,
    "dedup": Cost.SWAP,
    "security": Cost.SWAP,
    "limits": Cost.SWAP,
    "load": Cost.CLIENT,
    "workload": Cost.CLIENT,
    "slo": Cost.NOTHING,
    "trial": Cost.CLIENT,
    "trial.name": Cost.NOTHING,
    "trial.results_dir": Cost.NOTHING,
    "trial.rounds": Cost.NOTHING,
    "trial.cooldown_s": Cost.NOTHING,
    "trial.certify": Cost.NOTHING,
    "trial.prune": Cost.NOTHING,
    "trial.baseline": Cost.NOTHING,
    "trial.reuse": Cost.NOTHING,
    "trial.mix": Cost.NOTHING,
    "experiment": Cost.NOTHING,
}
SWAPPABLE = tuple(name for name, cost in COSTS.items() if cost is Cost.SWAP)


def cost(key: str) -> Cost:
    """The price of another value of a dotted key; raises KeyError for one that the table does not have."""
    name = key
    while name not in COSTS:
        name, dot, _ = name.rpartition(".")
        if not dot:
            raise KeyError(key)
    return COSTS[name]


def costing(container: Mapping[str, Any], least: Cost) -> dict[str, Any]:
    """Of a resolved configuration, as dotted key -> value, what costs at least `least`."""
    return {key: value for key, value in leaves(container) if cost(key) >= least}


def leaves(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested sections as (dotted key, value); a list is a value, and so is an empty section."""
    for name, value in section.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
