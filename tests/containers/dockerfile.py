"""A Dockerfile, read as far as the tests need it."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass
class Stage:
    """From one FROM to the next: its instructions in order, each a word and the rest of its line."""

    name: str
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        return [rest for name, rest in self.steps if name == word]

    def environment(self) -> dict[str, str]:
        pairs = [pair for rest in self.all("ENV") for pair in shlex.split(rest)]
        return dict(pair.split("=", 1) for pair in pairs)

    def words(self, word: str) -> list[str]:
        """The last of its ENTRYPOINT or CMD, or what its HEALTHCHECK runs, in the form of a list."""
        text = self.all(word)[-1].partition("CMD ")[2] if word == "HEALTHCHECK" else self.all(word)[-1]
        words: Any = json.loads(text)
        return [str(part) for part in words]


def stages(text: str | None = None) -> dict[str, Stage]:
    """The stages by name, with the defaults of ARG filled in."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8") if text is None else text
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    found: dict[str, Stage] = {}
    arguments: dict[str, str] = {}
    for word, rest in _instructions("\n".join(lines)):
        if word == "ARG":
            name, _, value = rest.partition("=")
            arguments[name] = value
        elif word == "FROM":
            base, _, name = rest.partition(" AS ")
            stage = found[name] = Stage(name, re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], base))
        else:
            stage.steps.append((word, rest))
    return found


def _instructions(text: str) -> list[tuple[str, str]]:
    whole = re.sub(r"\\\n\s*", "", text)
    pairs = [line.split(None, 1) for line in whole.splitlines() if line.strip()]
    return [(word, rest.strip()) for word, rest in pairs]
