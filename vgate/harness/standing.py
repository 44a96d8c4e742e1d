"""Whether what a verdict rests on may be believed, in words."""

from collections import Counter

from vgate.harness.configurations import Configuration, configurations
from vgate.harness.results import Result, Run
from vgate.harness.verdict import Verdict

VALID, INVALID, UNCHECKED = "valid", "INVALID", "not checked"


def standing(run: Run, verdict: Verdict) -> list[str]:
    """A sentence each on the best configuration and on the next one."""
    ranked = configurations(run, verdict.metric)
    names = ("The winner", "The runner-up") if verdict.winner else ("The first", "The second")
    return [f"{name}, {one.label}, {_words(one)}." for name, one in zip(names, ranked, strict=False)]


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


def _words(one: Configuration) -> str:
    total, good = len(one.results), len(one.valid)
    if good == total and one.results[0].imported:
        return (
            "was imported, and is not checked: how late its client sent and what the server counted is not in the file"
        )
    if good == total:
        which = "every check that could be made" if one.results[0].unchecked else "every check"
        return f"is valid: it passed {which}" if total == 1 else f"is valid: all {total} rounds passed {which}"
    reasons = next(result.invalid for result in one.results if result.invalid)
    if good == 0:
        return f"is INVALID: {reasons[0]}"
    return f"is valid in {good} of {total} rounds and INVALID in the others: {reasons[0]}"
