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
    words, added = shlex.split(going_on(last)), shlex.split(do)
    taken = {_key(word) for word in added}
    kept = [word for word in words[PROGRAM:] if _key(word) not in taken]
    swept = any("," in word.partition("=")[2] for word in added)
    flag = ["-m"] if swept and not {"-m", "--multirun"} & set(kept) else []
    return shlex.join([*words[:PROGRAM], *kept, *flag, *added])


def going_on(last: str) -> str:
    """A command without what is for its first time alone: what throws earlier results away or writes a preset."""
    words = shlex.split(last)
    names = {at + 1 for at, word in enumerate(words) if word == "--write-preset"}
    kept = [
        word
        for at, word in enumerate(words)
        if at not in names and word.partition("=")[0] not in ("--fresh", "--write-preset")
    ]
    return shlex.join(kept)


def _key(word: str) -> str:
    return word.lstrip("+").partition("=")[0]
