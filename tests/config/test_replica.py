"""The section `ray`, and what a replica's settings come to."""

from pathlib import Path
from typing import Any

import pytest

from tests.config.composing import serve, wrong
from vgate.config import tree
from vgate.config.replica import replica_of

RAY = ("+preset=ray", "ray.engine=dry_run")


def replica(*overrides: str) -> dict[str, Any]:
    return replica_of(serve(*RAY, *overrides).settings).model_dump(by_alias=True)


def test_a_replica_runs_the_model_and_the_engine_as_they_are_without_ray() -> None:
    changes = ("model.max_model_len=99", "ray.settings.max_num_seqs=3", "ray.settings.restart.backoff_s=9.0")
    found = replica(*changes)
    alone = serve("engine=dry_run", "model.max_model_len=99", "engine.max_num_seqs=3").container
    assert found["model"] == alone["model"]
    restart = alone["engine"]["restart"] | {"backoff_s": 9.0, "max_attempts": 0}
    assert found["engine"] == alone["engine"] | {"restart": restart}


def test_what_stands_before_an_engine_stays_in_the_gateway() -> None:
    keys = "security.api_keys=[{key: sk-secret, name: a}]"
    found = replica("security=keys", keys, "cache=lru", "dedup=single_flight", "batch=lockstep", "embedding=dry_run")
    assert "sk-secret" not in str(found)
    targets = [found[name]["_target_"].rpartition(".")[2] for name in ("cache", "dedup", "batch", "embedding")]
    assert targets == ["NoCache", "NoDedup", "Passthrough", "NoEmbedding"]


def test_it_takes_bodies_as_large_as_the_gateways() -> None:
    assert replica("server.max_body_bytes=123456")["server"]["max_body_bytes"] == 123456


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["ray.settings.max_num_seq=3"], ["ray.settings.max_num_seq", "did you mean max_num_seqs?", "engine=dry_run"]),
        (["ray.settings.max_num_seqs=0"], ["ray.settings.max_num_seqs = 0", "greater than or equal to 1"]),
        (["ray.settings.faults.hang=2.0"], ["ray.settings.faults.hang = 2.0", "less than or equal to 1"]),
        (["ray.settings.faults=3"], ["ray.settings.faults = 3"]),
        (["ray.engine=upstream"], ["ray.engine = 'upstream'", "'vllm' or 'dry_run'"]),
        (["ray.num_replicas=0"], ["ray.num_replicas = 0"]),
        (["ray.settings.restart.max_attempts=5"], ["ray.settings.restart.max_attempts = 5", "Ray replaces"]),
        (["ray.num_gpus=1.5"], ["ray.num_gpus = 1.5", "whole number"]),
        (["ray.autoscaling.min_replicas=3", "ray.autoscaling.max_replicas=2"], ["min_replicas = 3", "at most 2"]),
        (["ray.num_replicas=5", "ray.autoscaling.max_replicas=3"], ["ray.num_replicas = 5", "from 1 to 3"]),
        (["ray.address=cluster"], ["ray.address = 'cluster'", "'auto'", "port"]),
        (["ray.keep_replicas=true"], ["ray.keep_replicas", "ray.address"]),
        (["ray.replicas=2"], ["ray.replicas", "did you mean ray.num_replicas?"]),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(overrides: list[str], words: list[str]) -> None:
    line = wrong(*RAY, *overrides)
    assert [word for word in words if word not in line] == []


def test_without_the_engine_the_section_is_said_to_have_no_effect() -> None:
    notes = serve("engine=dry_run", "ray.num_replicas=2").notes
    assert notes == ["ray.num_replicas (from the command line) has no effect with engine=dry_run"]
    assert serve(*RAY, "ray.num_replicas=2", "routing=round_robin").notes == []
    assert serve(*RAY, "ray.autoscaling.min_replicas=2").notes == [
        "ray.autoscaling.min_replicas (from the command line) has no effect without ray.autoscaling.max_replicas"
    ]


MINE = """
# @package _global_
defaults: [{override /model: tiny}, {override /engine: dry_run}]
engine: {max_num_seqs: 3, decode_step_ms: 7.0, restart: {max_attempts: 4, backoff_s: 2.0}}
ray: {engine: vllm, settings: {}}
"""


def test_replicas_run_what_a_preset_has_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "conf" / "preset" / "mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(MINE)
    monkeypatch.setattr(tree, "OWN_CONF", tmp_path / "conf")
    tree.forget()
    made = serve("+preset=mine", "engine=ray", "ray.settings.decode_step_ms=8.0")
    assert made.notes == []
    engine = replica_of(made.settings).model_dump(by_alias=True)["engine"]
    assert (engine["_target_"], engine["max_num_seqs"], engine["decode_step_ms"]) == (
        "vgate.engine.dry_run.DryRunEngine",
        3,
        8.0,
    )
    assert (engine["restart"]["max_attempts"], engine["restart"]["backoff_s"]) == (0, 2.0)
    # Who names another engine wants that one, and is told what of the preset is not used.
    other = serve("+preset=mine", "engine=ray", "ray.engine=vllm")
    assert (other.settings.ray.engine, other.settings.ray.settings) == ("vllm", {})
    assert any("engine.max_num_seqs (from preset=mine) has no effect" in note for note in other.notes)
