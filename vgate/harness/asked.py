"""What a measurement was asked: which requests, when, for how long, and held to which targets."""

import json
from collections.abc import Sequence
from typing import Any

from vgate.harness.costs import Cost, cost, leaves
from vgate.harness.results import Result

SECTIONS = ("load", "workload", "slo", "trial")
# How many processes send is a matter of the instrument.
INSTRUMENT = {"trial.drivers"}
Question = dict[str, Any]


def asked(result: Result) -> Question:
    """Dotted key -> value of all that decides it, and the digests of the files that the load is made from.

    Measurements for which these are not equal say nothing about which of two configurations is better.
    """
    sections = {name: result.config[name] for name in SECTIONS if name in result.config}
    own = {key: value for key, value in leaves(sections) if _decides(key)}
    files = result.about.get("inputs") or {}  # not kept by earlier versions
    return own | {f"{key} (content)": digest for key, digest in files.items() if _decides(key)}


def differing(questions: Sequence[Question]) -> list[str]:
    """The keys by which they are not all the same."""
    keys = dict.fromkeys(key for one in questions for key in one)
    return [key for key in keys if len({_text(one, key) for one in questions}) > 1]


def by_question(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The results that were asked the same, under a name that tells them from the others; "" if all were."""
    groups: dict[str, tuple[Question, list[Result]]] = {}
    for result in results:
        question = asked(result)
        groups.setdefault(identity(question), (question, []))[1].append(result)
    keys = differing([question for question, _ in groups.values()])
    return {named(question, keys): found for question, found in groups.values()}


def identity(question: Question) -> str:
    """Equal for equal questions."""
    return json.dumps(question, sort_keys=True)


def spelt(questions: Sequence[Question], key: str) -> list[str]:
    """The values of a key, each once, as JSON."""
    return list(dict.fromkeys(_text(one, key) for one in questions))


def named(question: Question, keys: Sequence[str]) -> str:
    """These of its keys as on a command line."""
    return " ".join(_spelt(key, question[key]) for key in keys if key in question)


def _decides(key: str) -> bool:
    """Targets too: they cost nothing to change, for the rows are the same, but the numbers are not. No model does."""
    section = key.partition(".")[0]
    return section == "slo" or (section in SECTIONS and cost(key) is Cost.CLIENT and key not in INSTRUMENT)


def _text(question: Question, key: str) -> str:
    return json.dumps(question[key], sort_keys=True) if key in question else "absent"


def _spelt(key: str, value: Any) -> str:
    """A component by its option: `load=poisson`."""
    group, _, rest = key.partition(".")
    if rest == "_target_":
        return f"{group}={value.split('.')[2]}"
    return f"{key}={'null' if value is None else value}"
