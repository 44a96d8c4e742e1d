"""Who won, by how much, and how sure that is, in words."""

from dataclasses import dataclass, field, replace

from vgate.harness.asked import asked, by_question, differing
from vgate.harness.contenders import Contender, contenders, noise
from vgate.harness.contest import Contest, ranked
from vgate.harness.interval import MINIMUM_RUNS
from vgate.harness.metrics.goodput import Slo
from vgate.harness.results import Result, Run


@dataclass(frozen=True)
class Verdict:
    """headline: the answer. details: how sure it is, and what else a reader must know before using it.

    metric: the column of the summary that decides; unit: its unit in words.
    targets: the headline's last sentence, where there is one: what good means.
    ranking: who can win, best first; who was dropped is not there.
    groups: where not all cells were asked the same, the verdict on those that were, by what tells them apart.
    """

    headline: str
    details: list[str]
    winner: str | None
    metric: str
    unit: str
    targets: str = ""
    ranking: list[Contender] = field(default_factory=list)
    groups: dict[str, "Verdict"] = field(default_factory=dict)


def judge(run: Run) -> Verdict:
    """The verdict on a run's cells; where they were not all asked the same, one on each group that was.

    No winner is named by a margin within the noise of the machine, in fewer than three rounds, or with a round of it
    INVALID or FAILED.
    """
    if run.imported:
        return _imported(run, run.imported["tool"])
    groups = {name: _judge(run, results) for name, results in by_question(run.results).items()}
    return _several(run, groups) if len(groups) > 1 else _with_notes(run, *(groups.values() or [_judge(run, [])]))


def _judge(run: Run, results: list[Result]) -> Verdict:
    """On results that were asked the same."""
    valid = [result for result in results if not result.invalid]
    slo = valid[0].slo if valid else None
    metric, unit = deciding(slo)
    # What a sweep has dropped was surely worse, though its few rounds may not look so.
    found = ranked([one for one in contenders(results, metric, run.failed) if one.key not in run.dropped])
    headline, winner = _decide(found, unit, any(result.about["effective_hash"] in run.dropped for result in results))
    targets = f" Good means {slo}." if slo else ""
    return Verdict(headline + targets, _certainty(found, unit), winner, metric, unit, targets, found)


def _with_notes(run: Run, verdict: Verdict) -> Verdict:
    return replace(verdict, details=[*verdict.details, *_noise_words(verdict.ranking), *_caveats(run)])


def _several(run: Run, groups: dict[str, Verdict]) -> Verdict:
    keys = ", ".join(differing([asked(result) for result in run.results]))
    headline = f"Not one verdict but {len(groups)}: cells that differ in {keys} were not asked the same."
    told = [" ".join([f"{name}: {verdict.headline}", *verdict.details]) for name, verdict in groups.items()]
    known = [line for one in groups.values() if noise(one.ranking) for line in _noise_words(one.ranking)]
    first = next(iter(groups.values()))
    return Verdict(headline, [*told, *known, *_caveats(run)], None, first.metric, first.unit, groups=groups)


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
    best = found[0]
    if best.mean == 0:
        return f"No winner: no configuration had any {unit}.", None
    if len(found) > 1:
        return _between(Contest(found), unit)
    if best.bad:
        return f"No winner: {best.name}, {best.mean:.2f} {unit}, is {best.bad_words}.", None
    if not dropped:
        return f"{best.name}: {best.mean:.2f} {unit}.", None
    return f"{best.name} is best: {best.mean:.2f} {unit}; the others were dropped, see below.", best.name


def _between(contest: Contest, unit: str) -> tuple[str, str | None]:
    """The same, of the first two of several."""
    best, second, (more, less) = contest.best, contest.second, contest.values
    if best.bad:
        return f"No winner: {best.name} has the most {unit} ({more:.2f}), but is {best.bad_words}.", None
    if contest.doubt:
        return (
            f"No winner between {best.name} ({more:.2f} {unit}) and {second.name} ({less:.2f}): {contest.doubt}.",
            None,
        )
    lead = f"{more:.2f} {unit}; the next, {second.name}, has {contest.margin:.1%} less ({less:.2f})"
    if contest.proven:
        return f"{best.name} is best: {lead}.", best.name
    rounds = len(contest.rounds)
    runs = "one run" if rounds == 1 else f"{rounds} runs"
    why = f"{second.name} is valid in no more" if second.bad else f"a winner needs trial.rounds={MINIMUM_RUNS}"
    return f"{best.name} leads in {runs}, which is no proof: {lead}; {why}.", None


def _certainty(found: list[Contender], unit: str) -> list[str]:
    """How sure the difference between the first two is, and who has rounds that are missing."""
    lacking = [f"{one.name} cannot win, for it is {one.bad_words}." for one in found if one.bad]
    if len(found) < 2:
        return lacking
    contest = Contest(found)
    runs = f"{len(contest.rounds)} runs each" if len(contest.rounds) != 1 else "One run each"
    if contest.interval is None:
        return [f"{runs}: no interval (it needs trial.rounds={MINIMUM_RUNS} or more).", *lacking]
    difference = "{:+.2f} to {:+.2f}".format(*contest.interval)
    interval = f"the 95 % interval of the difference between the best two is {difference} {unit}"
    return [f"{runs}: {interval}.", *lacking]


def _noise_words(found: list[Contender]) -> list[str]:
    known = noise(found)
    if known is None:
        return ["Nothing was measured under two names, so the noise of this machine in this run is not known."]
    amount, same = known
    words = f"{' and '.join(same.labels)} are the same thing, for {same.name} takes no notice of the rest"
    return [f"The noise of this machine in this run is {amount:.1%}: {words}. Smaller differences mean nothing."]


def _caveats(run: Run) -> list[str]:
    notes = []
    invalid = sum(bool(result.invalid) for result in run.results)
    if invalid:
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
