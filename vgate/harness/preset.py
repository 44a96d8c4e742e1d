"""A measured configuration as a preset: `conf/preset/<name>.yaml`, with where it came from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vgate.config import from_resolved, tree
from vgate.config.errors import ConfigError, wrong
from vgate.config.graph import graph_hash
from vgate.config.own_preset import preset_path
from vgate.config.schema import Settings
from vgate.config.secrets import BLOT
from vgate.harness.advice import advice
from vgate.harness.bundle import with_keys
from vgate.harness.contenders import Contender
from vgate.harness.files import write_text
from vgate.harness.manifest import session_at
from vgate.harness.results import Result, Run
from vgate.harness.verdict import Verdict, judge

# Of the server's section: where it listens is not the winner's, nor is the admin port.
ELSEWHERE = ("host", "port", "tls")


class Refused(Exception):
    """No preset can be made of this run. The message says why."""


@dataclass(frozen=True)
class Winner:
    """The configuration that a preset is made of.

    words: how it came to be chosen. runs: its measurements.
    """

    label: str
    words: str
    runs: list[Result]


def winner(run: Run, wanted: str | None = None) -> Winner:
    """The verdict's winner, or the configuration that is called `wanted` in the run; raises Refused.

    What has an INVALID measurement is refused: it may not be believed, so it should not be deployed.
    """
    if run.imported:
        raise Refused(f"it was imported from {run.imported['tool']}, which says nothing of a gateway")
    if not run.results:
        raise Refused(f"none of the cells of {run.path} was measured ({len(run.failed)} failed)")
    if wanted is not None:
        return _named(run, wanted)
    valid = [result for result in run.results if not result.invalid]
    if not valid:
        reasons = "; ".join(dict.fromkeys(reason for result in run.results for reason in result.invalid))
        raise Refused(f"every measurement of this run is INVALID: {reasons}")
    verdict = judge(run)
    if verdict.winner is None and not _only_one(run, verdict):
        raise Refused(f"{verdict.headline} {_how_to_get_one(run, verdict)}")
    words = "\n".join([verdict.headline, *verdict.details])
    first = verdict.ranking[0]
    return _checked(Winner(first.labels[0], words, _of(run, first)))


def _only_one(run: Run, verdict: Verdict) -> bool:
    """Whether the run has one configuration, with nothing against it: there is nobody to win against."""
    alone = len({result.about["effective_hash"] for result in run.results}) == 1 and not run.failed
    return alone and len(verdict.ranking) == 1 and not verdict.ranking[0].bad and verdict.ranking[0].mean > 0


def _how_to_get_one(run: Run, verdict: Verdict) -> str:
    """Out of a run that has no winner."""
    more = next((step.do for step in advice(run, verdict) if step.do.startswith("trial.rounds=")), None)
    goes_on = f"The same command with {more} goes on from here and may show one. " if more else ""
    named = f"python -m vgate.preset {run.path} NAME --configuration 'AXES'"
    return f"{goes_on}To take one all the same, name it: {named}"


def write_preset(run: Run, chosen: Winner, name: str) -> Path:
    """Write the preset; returns its file. Raises Refused if it could not say what was measured."""
    path = preset_path(name)
    text = preset_text(run, chosen)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from None
    tree.forget()
    return path


def preset_text(run: Run, chosen: Winner) -> str:
    """The file: provenance as comments, an option for each group, every key of the gateway's sections."""
    config = chosen.runs[0].config
    settings = from_resolved(with_keys(config), str(chosen.runs[0].folder))
    sections = settings.model_dump(by_alias=True, include=set(Settings.model_fields) - {"version", "admin", "tracing"})
    sections["server"] = {key: value for key, value in sections["server"].items() if key not in ELSEWHERE}
    secret: list[str] = []
    content = {
        "defaults": [{f"override /{group}": option} for group, option in _options(sections).items()],
        **{group: _told(section, group, secret) for group, section in sections.items()},
    }
    comments = [*_provenance(run, chosen, graph_hash(settings)), *_secret_words(secret)]
    lines = ["# @package _global_", *(f"# {line}" for line in comments)]
    return "\n".join(lines) + "\n" + yaml.safe_dump(content, sort_keys=False)


def _named(run: Run, wanted: str) -> Winner:
    found = [result for result in run.results if result.label == wanted]
    if not found:
        labels = ", ".join(repr(label) for label in dict.fromkeys(result.label for result in run.results))
        raise wrong("--configuration", wanted, "the command line", f"this run has {labels}")
    return _checked(Winner(wanted, "Chosen by name, not by the run's verdict.", found))


def _of(run: Run, contender: Contender) -> list[Result]:
    """All rounds of the first of its labels, INVALID ones too."""
    return [result for result in run.results if result.label == contender.labels[0]]


def _checked(chosen: Winner) -> Winner:
    for result in chosen.runs:
        if result.invalid:
            name = f"{chosen.label} (round {result.about['round'] + 1})"
            raise Refused(f"{name} is INVALID: {'; '.join(result.invalid)}")
    return chosen


def _options(sections: dict[str, Any]) -> dict[str, str]:
    """Group -> option: of a component, the module of its class; of a model, the file that describes it."""
    found = {group: s["_target_"].split(".")[2] for group, s in sections.items() if "_target_" in s}
    model = sections["model"]["model_id"]
    known = [o for o in tree.options("model") if tree.option_text("model", o)["model_id"] == model]
    return {"model": (known or ["other"])[0], **found}


def _told(value: Any, name: str, secret: list[str]) -> Any:
    """A section without its class, which the option says, and without what was blotted out, which `secret` names."""
    if isinstance(value, dict):
        made = {key: _told(v, f"{name}.{key}", secret) for key, v in value.items() if key != "_target_"}
        return {key: v for key, v in made.items() if f"{name}.{key}" not in secret}
    if BLOT in str(value):
        secret.append(name)
    return value


def _provenance(run: Run, chosen: Winner, graph: str) -> list[str]:
    sessions, first = run.manifest["sessions"], chosen.runs[0]
    session = session_at(sessions, first.about["started_utc"]) or sessions[-1]
    rounds = f"{len(chosen.runs)} round{'s' if len(chosen.runs) != 1 else ''}"
    return [
        f"Measured: {run.path.name}, {chosen.label}, {rounds} from {first.about['started_utc']}, all valid.",
        *(f"  {line}" for line in chosen.words.splitlines()),
        f"Source: {_source(session)}; machine: {session.get('machine', {}).get('cpu', 'unknown')}.",
        f"Command: {session['command']}",
        f"Component graph: {graph}, as vgate.serve logs it when it starts with this preset and nothing else.",
    ]


def _source(session: dict[str, Any]) -> str:
    git = session.get("git")
    version = f"V-Gate {session.get('vgate', 'of unknown version')}"
    if not git:
        return f"{version}, no repository"
    return f"{version}, commit {git['commit']}{' with changes' if git['changed'] else ''}"


def _secret_words(secret: list[str]) -> list[str]:
    return [f"Left out, for it is secret and has to be given again: {', '.join(secret)}."] if secret else []
