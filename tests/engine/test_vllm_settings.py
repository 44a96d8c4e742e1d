"""What of `engine.extra_args` is refused, without vLLM itself: the arguments it knows are handed in."""

import pytest

from vgate.config import ConfigError
from vgate.engine.vllm_settings import _check_extra

KNOWN = {"swap_space", "max_num_seqs", "dtype", "model", "distributed_executor_backend"}
NAMED = {"model", "dtype", "distributed_executor_backend"}


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"swap_spce": 3}, "unknown key, did you mean engine.extra_args.swap_space?"),
        ({"nothing_like_it": 3}, "unknown key; allowed: vLLM's engine arguments"),
        ({"dtype": "half"}, "has a key of its own, model.dtype"),
        ({"model": "x"}, "has a key of its own, model.model_id"),
    ],
)
def test_refused(extra: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _check_extra(extra, KNOWN, NAMED)
    assert told in str(caught.value)


def test_other_arguments_pass() -> None:
    _check_extra({"swap_space": 4, "distributed_executor_backend": "mp"}, KNOWN, NAMED)
