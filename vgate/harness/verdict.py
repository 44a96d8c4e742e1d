"""Who won, by how much, and how sure that is, in words."""

from dataclasses import dataclass

from vgate.harness.contenders import Contender, contenders, noise
from vgate.harness.interval import MINIMUM_RUNS, t_interval
from vgate.harness.metrics.goodput import Slo
from vgate.harness.results import Result, Run


@dataclass(frozen=True)
class Verdict:
    """headline: the answer. details: how sure it is, and what else a reader must know before using it.

    metric: the column of the summary that decides; unit: its unit in words.
    targets: the headline's last sentence, where there is one: what good means.
    """

    headline: str
    details: list[str]
    winner: str | None
    metric: str
    unit: str
    targets: str = ""


def judge(run: Run) -> Verdict:
    """The verdict on a run's valid cells. No winner is named by a margin within the noise of the machine."""
    if run.imported:
        return _imported(run, run.imported["tool"])
    valid = [result for result in run.results if not result.invalid]
    slo = valid[0].slo if valid else None
    metric, unit = deciding(slo)
    found = standing(run, valid, metric)
    headline, winner = _decide(found, unit, bool(run.dropped))
    targets = f" Good means {slo}." if slo else ""
    details = [*_certainty(found, unit), *_caveats(run, len(valid))]
    return Verdict(headline + targets, details, winner, metric, unit, targets)


def standing(run: Run, valid: list[Result], metric: str) -> list[Contender]:
    """Who can win, best mean first: what a sweep has dropped was surely worse, though few rounds may not look so."""
    return [contender for contender in contenders(valid, metric) if contender.key not in run.dropped]


def _imported(run: Run, tool: str) -> Verdict:
    """Another tool's benchmarks differ in their load, so none of them is better than another."""
    count = len(run.results)
    headline = f"Imported from {tool}: {count} benchmark{'s' if count > 1 else ''}, no verdict."
    notes = dict.fromkeys(note for result in run.results if result.imported for note in result.imported["notes"])
    return Verdict(headline, list(notes), None, "output_tokens_per_s", "output tokens/s")


def deciding(slo: Slo | None) -> tuple[str, str]:
    """The column of the summary that decides, and its unit in words."""
    return ("goodput_per_s", "good requests/s") if slo else ("output_tokens_per_s", "output tokens/s")


def _decide(found: list[Contender], unit: str, dropped: bool) -> tuple[str, str | None]:
    """The headline, and the winner if there is one."""
    if not found:
        return "No verdict: there is no valid measurement.", None
    best, *others = found
    if best.mean == 0:
        return f"No winner: no configuration had any {unit}.", None
    if not others and dropped:
        return f"{best.name} is best: {best.mean:.2f} {unit}; the others were dropped, see below.", best.name
    if not others:
        return f"{best.name}: {best.mean:.2f} {unit}.", None
    second = others[0]
    doubt = _doubt(found)
    if doubt:
        pair = f"{best.name} ({best.mean:.2f} {unit}) and {second.name} ({second.mean:.2f})"
        return f"No winner between {pair}: {doubt}.", None
    lead = f"the next, {second.name}, has {_margin(best, second):.1%} less ({second.mean:.2f})"
    return f"{best.name} is best: {best.mean:.2f} {unit}; {lead}.", best.name


def _doubt(found: list[Contender]) -> str | None:
    best, second = found[:2]
    margin, known, interval = _margin(best, second), noise(found), _interval(best, second)
    if known and margin <= known[0]:
        return f"their difference of {margin:.1%} is within the noise of this machine, {known[0]:.1%}"
    if margin <= max(best.resolution, second.resolution):
        return f"their difference of {margin:.1%} is what the requests at the window's edges can make"
    if interval is not None and interval[0] <= 0:
        return "the interval of their difference includes zero"
    return None


def _certainty(found: list[Contender], unit: str) -> list[str]:
    if len(found) < 2:
        return _noise_words(found)
    interval = _interval(found[0], found[1])
    if interval is None:
        return [f"{_runs(found)}: no interval (it needs trial.rounds={MINIMUM_RUNS} or more).", *_noise_words(found)]
    difference = f"{interval[0]:+.2f} to {interval[1]:+.2f} {unit}"
    return [
        f"{_runs(found)}: the 95 % interval of the difference between the best two is {difference}.",
        *_noise_words(found),
    ]


def _noise_words(found: list[Contender]) -> list[str]:
    known = noise(found)
    if known is None:
        return ["Nothing was measured under two names, so the noise of this machine in this run is not known."]
    amount, same = known
    words = f"{' and '.join(same.labels)} are the same thing, for {same.name} takes no notice of the rest"
    return [f"The noise of this machine in this run is {amount:.1%}: {words}. Smaller differences mean nothing."]


def _caveats(run: Run, valid: int) -> list[str]:
    notes = []
    if len(run.results) > valid:
        invalid = len(run.results) - valid
        notes.append(f"{invalid} of {len(run.results)} measurements are INVALID and take no part in the verdict.")
    notes += [f"{words}; it takes no part in the verdict." for words in run.dropped.values()]
    taken = [result for result in run.results if "taken_from" in result.about]
    if taken:
        notes.append(f"{len(taken)} measurements are from earlier runs, and not from among the others of their round.")
    if run.attempts:
        most = max(run.attempts.values()) + 1
        again = (
            f"{len(run.attempts)} measurements were made again, up to {most} attempts, for earlier ones were INVALID"
        )
        notes.append(f"{again}; they are not from among the others of their round.")
    if len({result.about.get("engine_hash") for result in run.results}) > 1:
        notes.append(
            "Engines were measured one after the other: a drift of the machine may look like one between them."
        )
    if run.failed:
        notes.append(f"Could not be measured: {len(run.failed)} of the cells.")
    notes += sorted({result.about["note"] for result in run.results if result.about.get("note")})
    if any("users" in result.config["load"] for result in run.results):
        notes.append("Closed loop: a slower server was asked less, so latencies were not measured at equal rates.")
    return notes


def _runs(found: list[Contender]) -> str:
    rounds = min(len(contender.by_round) for contender in found[:2])
    return "One run each" if rounds == 1 else f"{rounds} runs each"


def _margin(best: Contender, second: Contender) -> float:
    return (best.mean - second.mean) / best.mean


def _interval(best: Contender, second: Contender) -> tuple[float, float] | None:
    """Of the differences round by round: cells of one round were asked the same questions."""
    shared = sorted(best.by_round.keys() & second.by_round.keys())
    return t_interval([best.by_round[number] - second.by_round[number] for number in shared])
