"""A run's command with other settings."""

import shlex

from vgate.harness.results import Run

PROGRAM = 3  # words: python -m vgate.bench


def command(run: Run, do: str) -> str:
    """The command that measured the run last, with the settings `do` in place of its own.

    Only `do` where the run has no command, as imported ones; empty where there is nothing to do.
    """
    last = run.manifest["sessions"][-1].get("command") if run.manifest["sessions"] else None
    if not last or not do:
        return do
    words, added = shlex.split(last), shlex.split(do)
    taken = {_key(word) for word in added}
    kept = [word for word in words[PROGRAM:] if _key(word) not in taken]
    swept = any("," in word.partition("=")[2] for word in added)
    flag = ["-m"] if swept and not {"-m", "--multirun"} & set(kept) else []
    return shlex.join([*words[:PROGRAM], *kept, *flag, *added])


def _key(word: str) -> str:
    return word.lstrip("+").partition("=")[0]
