"""The highest rate that meets the latency targets: `python -m vgate.capacity +preset=cpu slo=chat`."""

import json
from pathlib import Path

from vgate.config import Composed, cli, compose
from vgate.config.errors import wrong
from vgate.config.load_schema import PoissonSettings
from vgate.config.seek_schema import CapacitySettings
from vgate.harness.capacity.cell import at_rate
from vgate.harness.held import held
from vgate.harness.store import RunFolder

CHOSEN_BY_THE_SEARCH = {
    "trial.duration_s": "capacity.shortest_s and longest_s bound it",
    "trial.rounds": "it measures as often as it needs to",
    "trial.prune": "it drops nothing",
}


def main() -> int:
    """Exit codes: 0 found as exactly as asked, 1 not, 2 a wrong setting, 130 stopped; measured windows are kept."""
    parser = cli.parser("capacity", "Find the highest Poisson rate at which requests meet the targets of slo.")
    parser.add_argument("--json", action="store_true", help="print one JSON document in place of words")
    parser.add_argument("--fresh", action="store_true", help="throw away what this search has measured before")
    args = cli.parse(parser)
    composed = compose("capacity", args.overrides)
    settings = _checked(composed)
    if args.cfg:
        cli.show(composed.container, composed.notes)
        return 0
    folder = RunFolder(Path(settings.trial.results_dir) / _name(composed))
    with held(folder, args.fresh):
        return _search(composed, folder, args.json)


def _checked(composed: Composed) -> CapacitySettings:
    settings, sources = composed.settings, composed.sources
    assert isinstance(settings, CapacitySettings)  # what compose gives for "capacity"
    if not isinstance(settings.load, PoissonSettings):
        source = sources.get("load", "conf/")
        raise wrong("load", settings.load.target, source, "a capacity is a Poisson rate; must be load=poisson")
    if not any((settings.slo.ttft_ms, settings.slo.tpot_ms, settings.slo.e2e_ms)):
        raise wrong("slo", "none", sources.get("slo", "conf/"), "a capacity is held to targets; choose some, slo=chat")
    for key, why in CHOSEN_BY_THE_SEARCH.items():
        if key in sources:
            raise wrong(key, composed.container["trial"][key[6:]], sources[key], f"the search chooses it; {why}")
    ask, start = settings.capacity, settings.load.rate
    if not ask.lowest_rate <= start <= ask.highest_rate:
        bounds = f"from capacity.lowest_rate, {ask.lowest_rate:g}, to capacity.highest_rate, {ask.highest_rate:g}"
        raise wrong("load.rate", start, sources.get("load.rate", "conf/"), f"the search begins there; must be {bounds}")
    return settings


def _name(composed: Composed) -> str:
    """The run's folder: the same for the same search; with more minutes or another tolerance it goes on there."""
    container = {section: value for section, value in composed.container.items() if section != "capacity"}
    trial = container["trial"]
    first = at_rate(container, container["load"]["rate"], trial["duration_s"], 0)
    return f"{trial['name']}-{first.config_hash[:8]}"


def _search(composed: Composed, folder: RunFolder, as_json: bool) -> int:
    # Only now: what measures takes seconds to load, and a wrong setting should not wait for it.
    from vgate.harness.capacity.run import run

    settings = composed.settings
    assert isinstance(settings, CapacitySettings)  # checked above
    outcome = run(settings, composed.container, folder)
    print(json.dumps(outcome.document) if as_json else "\n".join(outcome.lines))
    return 0 if outcome.document["exact_enough"] else 1


if __name__ == "__main__":
    cli.run(main)
