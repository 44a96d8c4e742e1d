"""Spellings from V-Gate's flat config files and other short cuts, turned into today's keys."""

from dataclasses import replace

from vgate.config import tree
from vgate.config.errors import unknown_option, wrong
from vgate.config.layers import Entry

# `cache: {enabled: true}` chooses this option where the group would stand at `none`.
SWITCHED_ON = {"cache": "lru", "dedup": "batch", "security": "keys"}
# Keys that stood elsewhere once -> where they are now.
MOVED = {"load.workload": "workload"}


def rewrite(entries: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Split settings into (choices of options, values of keys), each weakest layer first.

    `cache.enabled: false` becomes the choice `cache: none`. `true` stays among the choices as `cache.enabled`,
    for only a composed config can tell whether it changes anything. Raises ConfigError for options that do not exist.
    """
    choices, values = [], []
    for entry in entries:
        _check_moved(entry)
        section, _, key = entry.key.partition(".")
        if key == "enabled" and section in SWITCHED_ON:
            choices.append(_switch(entry, section))
        elif entry.key in tree.groups():
            choices.append(_checked_choice(entry))
        else:
            values.append(entry)
    return choices, values


def settle(choices: list[Entry]) -> tuple[dict[str, Entry], set[str]]:
    """The option of each group that somebody named, and the groups to switch on if they stand at `none`."""
    named: dict[str, Entry] = {}
    switched: set[str] = set()
    for entry in sorted(choices, key=lambda e: e.layer):
        section, _, enabled = entry.key.partition(".")
        if not enabled:
            named[section] = entry
            switched.discard(section)
        elif section not in named or named[section].layer < entry.layer:
            switched.add(section)
    return named, switched


def name_model(named: dict[str, Entry], values: list[Entry]) -> dict[str, Entry]:
    """A `model.model_id` on its own brings the settings made for that model, not those of the default one.

    For an id without an option of its own these are vLLM's own (`model=other`), unless a preset chose the settings.
    """
    given = [entry for entry in values if entry.key == "model.model_id"]
    chosen = named.get("model")
    if not given or (chosen is not None and chosen.layer >= given[-1].layer):
        return named
    known = [o for o in tree.options("model") if tree.option_text("model", o)["model_id"] == given[-1].value]
    if not known and (chosen is not None or not named.keys().isdisjoint(tree.OVERLAYS)):
        return named
    return {**named, "model": replace(given[-1], key="model", value=(known or ["other"])[0])}


def _switch(entry: Entry, section: str) -> Entry:
    if not isinstance(entry.value, bool):
        raise wrong(entry.key, entry.value, entry.source, "must be true or false")
    return entry if entry.value else replace(entry, key=section, value="none")


def _check_moved(entry: Entry) -> None:
    for old, new in MOVED.items():
        if entry.key == old or entry.key.startswith(f"{old}."):
            raise wrong(entry.key, entry.value, entry.source, f"is now {new}{entry.key.removeprefix(old)}")


def _checked_choice(entry: Entry) -> Entry:
    """A group's entry must name one of its options; an empty section (`batch: {}`) never gets here."""
    if entry.value not in tree.options(entry.key):
        raise unknown_option(entry.key, entry.value, entry.source, tree.options(entry.key))
    return entry
