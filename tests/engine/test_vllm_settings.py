"""What of `engine.extra_args` is refused, without vLLM itself: the arguments it knows are handed in."""

import os

import pytest

from vgate.config import ConfigError
from vgate.engine import vllm_settings
from vgate.engine.vllm_names import Names
from vgate.engine.vllm_settings import _check_extra
from vgate.tracing.base import Export

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
        _check_extra(extra, KNOWN, NAMED, Names())
    assert told in str(caught.value)


def test_other_arguments_pass() -> None:
    _check_extra({"swap_space": 4, "distributed_executor_backend": "mp"}, KNOWN, NAMED, Names())


def test_the_line_names_the_keys_of_the_section_that_the_arguments_come_from() -> None:
    names = Names("embedding", "embedding", {"max_num_seqs": "max_batch_items"})
    with pytest.raises(ConfigError, match=r"^embedding\.extra_args\.max_num_seqs .* embedding\.max_batch_items$"):
        _check_extra({"max_num_seqs": 3}, KNOWN, NAMED | {"max_num_seqs"}, names)
    with pytest.raises(ConfigError, match="the choice of engine=vllm or embedding=vllm"):
        _check_extra({"runner": "pooling"}, KNOWN, NAMED | {"runner"}, names)


def test_how_vllm_exports_its_spans_is_told_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take gRPC, and has no argument for headers. What the user has set there stays."""
    monkeypatch.setattr(os, "environ", {"OTEL_SERVICE_NAME": "mine"})
    monkeypatch.setattr(vllm_settings, "is_cpu_build", lambda: False)
    vllm_settings.prepare_environment({}, Export("http://c/v1/traces", "http/protobuf", {"x-a": "b, c="}, "vgate", 5.0))
    assert {name: value for name, value in os.environ.items() if name.startswith("OTEL")} == {
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-a=b%2C%20c%3D",
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "5",
        "OTEL_SERVICE_NAME": "mine",
    }


def test_each_engine_of_a_process_has_its_own_environment_but_what_the_user_set_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vllm_settings, "_SET_HERE", {})
    monkeypatch.setattr(vllm_settings, "is_cpu_build", lambda: True)
    for name in ("OMP_NUM_THREADS", "VLLM_ENABLE_V1_MULTIPROCESSING", "VLLM_CPU_OMP_THREADS_BIND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "7")
    for threads in (1, 2):
        vllm_settings.prepare_environment({"threads": threads, "kvcache_gib": threads})
        assert os.environ["OMP_NUM_THREADS"] == str(threads)
    assert os.environ["VLLM_CPU_KVCACHE_SPACE"] == "7"
