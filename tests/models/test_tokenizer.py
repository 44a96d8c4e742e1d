import json

import pytest
from jinja2 import Environment, TemplateError

from vgate.models.tokenizer import (
    MARKUP_TOKENS,
    SPECIAL_TOKENS,
    VOCAB_SIZE,
    read_text,
    train_tokenizer,
    unprintable_ids,
)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer()


@pytest.fixture(scope="module")
def chat_template():
    def refuse(message):
        raise TemplateError(message)

    environment = Environment()  # noqa: S701  the output is a prompt, not HTML
    environment.globals["raise_exception"] = refuse
    environment.filters["tojson"] = json.dumps  # as transformers has it: without HTML escapes
    return environment.from_string(read_text("chat_template.jinja"))


def test_vocabulary_has_the_stated_size(tokenizer):
    assert tokenizer.get_vocab_size() == VOCAB_SIZE


@pytest.mark.parametrize(
    "text", ["Hello, world", "  two\n\nlines\t\r\n", "漢字 🎉 Straße", "\x00\x7f", "12345 6.7", ""]
)
def test_any_text_comes_back_unchanged(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_markup_is_one_token_each_and_only_turn_marks_are_hidden(tokenizer):
    for mark in (*SPECIAL_TOKENS, *MARKUP_TOKENS):
        assert len(tokenizer.encode(mark).ids) == 1
    marks = "".join((*SPECIAL_TOKENS, *MARKUP_TOKENS))
    visible = tokenizer.decode(tokenizer.encode(marks).ids, skip_special_tokens=True)
    assert "".join(visible.split()) == "".join(MARKUP_TOKENS)


def test_english_takes_few_tokens(tokenizer):
    text = "The report describes how the new station changed the daily life of the town."
    assert len(text) / len(tokenizer.encode(text).ids) > 3


def test_printable_tokens_always_join_to_valid_utf8(tokenizer):
    quiet = set(unprintable_ids(tokenizer))
    loud = [token for token in range(VOCAB_SIZE) if token not in quiet]
    assert "\ufffd" not in tokenizer.decode(loud)
    assert len(loud) > 0.9 * VOCAB_SIZE


def test_template_writes_turns_and_opens_the_answer(chat_template):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    assert chat_template.render(messages=messages, add_generation_prompt=True) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_template_carries_tools_their_calls_and_their_results(chat_template):
    call = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}
    messages = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "4 degrees"},
    ]
    text = chat_template.render(messages=messages, tools=[{"function": {"name": "weather"}}])
    assert '{"function": {"name": "weather"}}' in text
    assert '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>' in text
    assert "<tool_response>\n4 degrees\n</tool_response>" in text


def test_template_refuses_an_unknown_role(chat_template):
    with pytest.raises(TemplateError, match='unknown role "bot"'):
        chat_template.render(messages=[{"role": "bot", "content": "x"}])
