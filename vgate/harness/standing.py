"""Whether what a verdict rests on may be believed, in words."""

from collections import Counter
from collections.abc import Mapping

from vgate.harness.configurations import configurations
from vgate.harness.contenders import Contender
from vgate.harness.results import Result, Run
from vgate.harness.verdict import Verdict

VALID, INVALID, UNCHECKED = "valid", "INVALID", "not checked"


def standing(run: Run, verdict: Verdict) -> list[str]:
    """A sentence each on the best configuration and on the next one; of each group that was asked the same."""
    if verdict.groups:
        return [f"{name}: {line}" for name, one in _decided(verdict) for line in standing(run, one)]
    names = ("The winner", "The runner-up") if verdict.winner else ("The first", "The second")
    return [f"{name}, {label}, {words}." for name, (label, words) in zip(names, _first_two(run, verdict), strict=False)]


def _decided(verdict: Verdict) -> list[tuple[str, Verdict]]:
    """The groups in which anything is valid."""
    return [(name, one) for name, one in verdict.groups.items() if one.ranking]


def _first_two(run: Run, verdict: Verdict) -> list[tuple[str, str]]:
    """Name and state of those that the verdict names; where it names none, of the first two measured."""
    if not verdict.ranking:
        return [(one.label, _words(one.results, {})) for one in configurations(run, verdict.metric)[:2]]
    return [(one.name, _words(_measured(run, one), one.bad)) for one in verdict.ranking[:2]]


def _measured(run: Run, contender: Contender) -> list[Result]:
    return [result for result in run.results if result.about["effective_hash"] == contender.key]


def state(result: Result) -> str:
    """VALID, INVALID, or UNCHECKED: imported, so that what would show it to be INVALID is not known."""
    if result.invalid:
        return INVALID
    return UNCHECKED if result.imported else VALID


def counts(run: Run) -> dict[str, int]:
    """How many measurements are in each state, those that failed among them; states that none is in are left out."""
    found = Counter(state(result) for result in run.results)
    found["FAILED"] = len(run.failed)
    return {name: count for name, count in found.items() if count}


def _words(results: list[Result], bad: Mapping[int, tuple[str, str]]) -> str:
    """bad: of the rounds, as of a contender."""
    failed = sum(state == "FAILED" for state, _ in bad.values())
    total, good = len(results) + failed, sum(not result.invalid for result in results)
    if good == total and results[0].imported:
        return (
            "was imported, and is not checked: how late its client sent and what the server counted is not in the file"
        )
    if good == total:
        which = "every check that could be made" if results[0].unchecked else "every check"
        return (
            f"is valid: it passed {which}" if total == 1 else f"is valid: all {total} {_unit(results)} passed {which}"
        )
    reason = next(reason for reason in (*(words for one in results for words in one.invalid), *_reasons(bad)))
    if good == 0:
        return f"is INVALID: {reason}"
    states = "INVALID or FAILED" if 0 < failed < total - good else "FAILED" if failed else "INVALID"
    return f"is valid in {good} of {total} {_unit(results)} and {states} in the others: {reason}"


def _unit(results: list[Result]) -> str:
    """Of one thing under several names there are several measurements in a round."""
    return "rounds" if len({result.label for result in results}) == 1 else "measurements"


def _reasons(bad: Mapping[int, tuple[str, str]]) -> list[str]:
    return [reason for state, reason in bad.values() if state == "FAILED"]
