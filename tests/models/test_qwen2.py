"""The promises of the random weights, checked on a plain forward pass without an engine."""

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from vgate.models import qwen2
from vgate.models.checkpoint import SEED
from vgate.models.tokenizer import PAD, TURN_END, train_tokenizer, unprintable_ids


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer()


@pytest.fixture(scope="module")
def model(tokenizer):
    shape = qwen2.Shape(vocab=tokenizer.get_vocab_size())
    tensors = qwen2.weights(shape, SEED, unprintable_ids(tokenizer))
    config = Qwen2Config(**qwen2.config(shape, 2, 0, "float32"))
    model = Qwen2ForCausalLM(config)
    model.load_state_dict({**tensors, "lm_head.weight": tensors["model.embed_tokens.weight"]})
    return model.float().eval()


def greedy(model, ids, count):
    with torch.no_grad():
        cache = None
        tokens, step = [], torch.tensor([ids])
        for _ in range(count):
            out = model(step, past_key_values=cache, use_cache=True)
            cache, token = out.past_key_values, int(out.logits[0, -1].argmax())
            tokens.append(token)
            step = torch.tensor([[token]])
    return tokens


@pytest.mark.parametrize("prompt", ["Hello", "def add(", "The ferry leaves the harbour", "42"])
def test_greedy_text_varies_is_utf8_and_does_not_end_by_itself(tokenizer, model, prompt):
    tokens = greedy(model, tokenizer.encode(prompt).ids, 100)
    assert tokenizer.token_to_id(TURN_END) not in tokens
    assert tokenizer.token_to_id(PAD) not in tokens
    assert "\ufffd" not in tokenizer.decode(tokens)
    triples = list(zip(tokens, tokens[1:], tokens[2:], strict=False))
    assert len(set(triples)) > 0.5 * len(triples)


def test_weights_are_exact_in_bf16_and_drawn_from_the_seed():
    shape = qwen2.Shape(vocab=64)
    first, again, other = (qwen2.weights(shape, seed, [3]) for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["model.embed_tokens.weight"], other["model.embed_tokens.weight"])


def test_quiet_tokens_have_short_rows():
    rows = qwen2.weights(qwen2.Shape(vocab=64), 1, [3])["model.embed_tokens.weight"].float()
    lengths = rows.norm(dim=1)
    assert 0 < lengths[3] < lengths[torch.arange(64) != 3].min() / 30
