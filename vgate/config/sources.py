"""Where a server's configuration comes from, to be read when it starts and again when it is told to."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from vgate.config import tree
from vgate.config.compose import compose, from_resolved
from vgate.config.errors import ConfigError, wrong, yaml_problem
from vgate.config.reading import read_yaml
from vgate.config.schema import Settings


@dataclass(frozen=True)
class Sources:
    """A command line, with the files and the environment that `compose` reads; or `--resolved FILE` alone."""

    overrides: list[str] = field(default_factory=list)
    resolved: str | None = None

    def read(self) -> tuple[Settings, list[str]]:
        """Settings, and notes as in `Composed`; raises ConfigError."""
        if self.resolved is None:
            composed = compose("serve", self.overrides)
            return composed.settings, composed.notes
        if self.overrides:
            text = f"{self.overrides[0]!r} (from the command line): --resolved takes no settings beside its file"
            raise ConfigError(text)
        try:
            content = read_yaml(Path(self.resolved).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise wrong("--resolved", self.resolved, "the command line", yaml_problem(error)) from None
        return from_resolved(content if isinstance(content, dict) else {}, self.resolved), []

    def read_again(self) -> tuple[Settings, list[str]]:
        """As `read`, of what the files say now."""
        if self.resolved is not None and not Path(self.resolved).is_file():
            raise wrong("--resolved", self.resolved, "the command line", "is no file that can be read again")
        tree.forget()
        return self.read()
