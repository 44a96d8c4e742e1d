"""Trains the byte-level BPE tokenizer of the tiny models on the text shipped beside this file."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

VOCAB_SIZE = 4096
PAD, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL_TOKENS = (PAD, TURN_START, TURN_END)
#: Whole tokens as in Qwen2.5, but ordinary text: a tool parser must see them in the output.
MARKUP_TOKENS = ("<tool_call>", "</tool_call>")
#: Where Qwen2 cuts text into words. transformers cuts so for every `qwen2` model, whatever its
#: tokenizer.json says, and all readers of this one must agree.
WORD_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def read_text(name: str) -> str:
    """The text file `name` of this package."""
    return (files("vgate.models") / name).read_text(encoding="utf-8")


def train_tokenizer() -> Tokenizer:
    """A tokenizer with exactly `VOCAB_SIZE` tokens; decoding gives back every text in NFC form."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
    from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split
    from tokenizers.trainers import BpeTrainer

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = Sequence(
        [
            Split(Regex(WORD_PATTERN), behavior="isolated"),
            ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=VOCAB_SIZE - len(MARKUP_TOKENS),
        min_frequency=1,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(read_text("corpus.txt").splitlines(keepends=True), trainer)
    tokenizer.add_tokens([AddedToken(text, special=False) for text in MARKUP_TOKENS])
    return tokenizer


def token_id(tokenizer: Tokenizer, text: str) -> int:
    """The id of the token that is exactly `text`; raises KeyError when there is none."""
    found = tokenizer.token_to_id(text)
    if found is None:
        raise KeyError(text)
    return found


def unprintable_ids(tokenizer: Tokenizer) -> list[int]:
    """Tokens that should hardly ever be generated.

    These are the special ones, control characters, and lone pieces of a UTF-8 character.
    """
    markup = {token_id(tokenizer, text) for text in (*SPECIAL_TOKENS, *MARKUP_TOKENS)}
    texts = {token: tokenizer.decode([token]) for token in range(tokenizer.get_vocab_size())}
    return sorted(markup | {token for token, text in texts.items() if not _is_printable(text)})


def _is_printable(text: str) -> bool:
    return "\ufffd" not in text and not any(ord(char) < 32 and char not in "\n\t" for char in text)


def tokenizer_config(max_length: int) -> dict[str, object]:
    """What `tokenizer_config.json` holds; `max_length` is in tokens."""
    return {
        "tokenizer_class": "Qwen2Tokenizer",
        "chat_template": read_text("chat_template.jinja"),
        "model_max_length": max_length,
        "bos_token": None,
        "eos_token": TURN_END,
        "pad_token": PAD,
        "additional_special_tokens": [TURN_START, TURN_END],
        "clean_up_tokenization_spaces": False,
    }
