"""Exact token counts, by a model's own tokenizer. It is asked while a plan is made, never while it is driven."""

import re
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer

from vgate.workload.words import COMMON, SIZE, Words

FILE = "tokenizer.json"
SAMPLE = 4096  # words
PLAIN = re.compile(r"[a-z]{2,12}")


class WrongTokenizer(ValueError):
    """A tokenizer that cannot be used; the message says why, without its name."""


def find(name: str) -> Path:
    """The file of a model's tokenizer: in the model's folder, the file itself, or in the hub's cache on this machine.

    Nothing is downloaded. Raises WrongTokenizer.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    if (path / FILE).is_file():
        return path / FILE
    cached = _in_cache(name)
    if cached is None:
        raise WrongTokenizer(
            f"must be a folder with a {FILE}, such a file, or a model in the hub's cache on this machine"
        )
    return cached


@lru_cache(maxsize=4)
def one_token_words(name: str) -> tuple[str, ...]:
    """SIZE words, common ones first, of one token each, at the start of a text or within. Raises WrongTokenizer."""
    tokenizer = _load(name)
    plain = {entry.lstrip("Ġ▁ ") for entry in tokenizer.get_vocab()}
    known = sorted(word for word in plain if PLAIN.fullmatch(word))
    candidates = [*COMMON, *(word for word in known if word not in set(COMMON))]
    # Thrice in a row: first, between two words, last.
    encoded = tokenizer.encode_batch([f"{word} {word} {word}" for word in candidates], add_special_tokens=False)
    found = [word for word, tokens in zip(candidates, encoded, strict=True) if len(tokens.ids) == 3][:SIZE]
    if len(found) < SIZE:
        raise WrongTokenizer(f"has {len(found)} words of a single token, {SIZE} are needed")
    # In their own order and in one like that of prompts: words that stand together must not become one token.
    together = f"{' '.join(found)} {Words(tuple(found)).text(0, name, SAMPLE)}"
    if count_tokens(name, together) != SIZE + SAMPLE:
        raise WrongTokenizer(
            "joins words that stand together into one token, so that words cannot be counted one by one"
        )
    return tuple(found)


def count_tokens(name: str, text: str) -> int:
    """How many tokens a text is, without those that mark begin and end. Raises WrongTokenizer."""
    return len(_load(name).encode(text, add_special_tokens=False).ids)


@lru_cache(maxsize=4)
def _load(name: str) -> Tokenizer:
    path = find(name)
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # noqa: BLE001 -- the library raises bare Exception
        raise WrongTokenizer(f"cannot be read: {error}") from None
    # Some files cut or fill every text to one length.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _in_cache(name: str) -> Path | None:
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        return None
    from huggingface_hub import try_to_load_from_cache  # comes with the engine

    found = try_to_load_from_cache(name, FILE)
    return Path(found) if isinstance(found, str) else None
