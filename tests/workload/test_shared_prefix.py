from collections import Counter

from tests.workload.settings import arrivals, shared_prefix, text


def split(prompt: str, size: int) -> tuple[str, str]:
    words = prompt.split()
    return " ".join(words[:size]), " ".join(words[size:])


def test_each_prompt_is_a_groups_prefix_and_words_of_its_own() -> None:
    prompts = [
        split(text(question), 64)
        for question in arrivals(shared_prefix(groups=4, prefix_tokens=64, prompt_tokens=8), 400)
    ]
    groups = Counter(prefix for prefix, _ in prompts)
    assert len(groups) == 4
    assert all(70 < count < 130 for count in groups.values())
    assert len({own for _, own in prompts}) == 400
    assert {len(own.split()) for _, own in prompts} == {8}


def test_prefixes_have_nothing_in_common() -> None:
    prefixes = {split(text(question), 4)[0] for question in arrivals(shared_prefix(groups=20), 400)}
    assert len(prefixes) == 20


def test_another_seed_has_other_prefixes() -> None:
    found = [{split(text(q), 64)[0] for q in arrivals(shared_prefix(), 50, seed)} for seed in (1, 2)]
    assert not found[0] & found[1]


def test_a_groups_length_is_drawn_once() -> None:
    lengths = {"distribution": "uniform", "min": 10, "max": 200}
    asked = arrivals(shared_prefix(groups=3, prefix_tokens=lengths, prompt_tokens=1), 100)
    assert len({len(text(question).split()) for question in asked}) == 3
