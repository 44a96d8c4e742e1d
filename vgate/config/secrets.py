"""Keys, passwords and tokens are blotted out wherever settings are shown: error lines, `--cfg job`, results.

What counts as secret is decided here and nowhere else.
"""

import re
from collections.abc import Mapping
from typing import Any

BLOT = "***"
_NAME = re.compile(
    r"key|passw|passphrase|pwd|secret|credential|authorization|bearer|cookie|^hash$|(^|(?<!pre)[^a-z])auth($|[^a-z])"
)
# One token opens a door; many are counted, and these mark places in a text.
_TOKEN = re.compile(
    r"(?<!bos_)(?<!eos_)(?<!pad_)(?<!unk_)(?<!sep_)(?<!cls_)(?<!mask_)token(_file|_env)?$|(access|api|auth|hf)_?tokens$"
)
# Mappings of which every value opens a door, whatever it is called.
_WHOLE = frozenset({"headers"})
# How many there are is no secret: num_key_value_heads.
_COUNT = re.compile(r"num_")
# Here and below a word is looked at where it begins only: from each letter on, a long one would take for ever.
# A password may contain anything but white space: all up to the last @ is taken for it.
_URL = re.compile(r"(?<![A-Za-z0-9+.-])([0-9+.-]*[A-Za-z][A-Za-z0-9+.-]*://)((?:\S*@)?[^\s?]*)(\?\S*)?")
_HEADER = re.compile(r"""(\bBearer +|(?i:authorization)["']?\s*[:=]\s*["']?\w+ +)[^\s"']+""")
# name=value and name: value within a text, quoted or not; of a list or a mapping all that follows is taken.
_ASSIGNED = re.compile(
    r"""(?<![A-Za-z0-9_.-])([0-9_.-]*[A-Za-z][A-Za-z0-9_.-]*)(["']?\s*[:=]\s*)"""
    r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[\[{].*|[^\s"',;&\[\]{}()]+)""",
    re.DOTALL,
)


def is_secret(name: str) -> bool:
    """Whether what is called so is secret, misspelt or in the wrong place as it may be: `api_key`, `HF_TOKEN`."""
    lower = name.lower()
    return not _COUNT.match(lower) and bool(lower in _WHOLE or _NAME.search(lower) or _TOKEN.search(lower))


def without_secrets(value: Any, name: str = "") -> Any:
    """A copy of a setting, or of a whole configuration, with `***` in place of what is secret.

    `name` is the setting's; `is_secret` says which names are. Of a URL, whatever it is called, the scheme, the host and
    the path are left.
    """
    if isinstance(value, Mapping):
        # {key: ..., name: ...} says what of it is secret; of another mapping under such a name, all is.
        all_of_it = name.lower() in _WHOLE or (is_secret(name) and not any(is_secret(str(key)) for key in value))
        return {key: without_secrets(inner, name if all_of_it else str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_secrets(item, name) for item in value]
    if is_secret(name) and value is not None and not isinstance(value, bool):
        return BLOT
    return _text_without_secrets(value) if isinstance(value, str) else value


def _text_without_secrets(text: str) -> str:
    text = _URL.sub(_without_credentials, text)
    return _ASSIGNED.sub(_without_value, _HEADER.sub(rf"\1{BLOT}", text))


def _without_credentials(url: re.Match[str]) -> str:
    """The part before the last @ of the host, and all that follows a question mark."""
    scheme, host, query = url.groups()
    shown = f"{BLOT}@{host.rpartition('@')[2]}" if "@" in host else host
    return f"{scheme}{shown}{'?' + BLOT if query else ''}"


def _without_value(assigned: re.Match[str]) -> str:
    name, equals, value = assigned.groups()
    if is_secret(name.rpartition(".")[2]):
        return f"{name}{equals}{BLOT}"
    # A list or a mapping under another name may hold such names itself.
    return f"{name}{equals}{_ASSIGNED.sub(_without_value, value)}" if value[0] in "[{\"'" else assigned[0]
