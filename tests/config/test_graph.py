"""One hash for one set of components, wherever the settings came from."""

import pytest
import yaml

from vgate.config import compose, from_resolved, get_config
from vgate.config.graph import graph_hash

KEYS = "security.api_keys=[{key: %s, name: a}]"


def of(*overrides: str) -> str:
    return graph_hash(compose("serve", list(overrides), {}).settings)


def test_a_bench_and_a_server_of_the_same_settings_agree() -> None:
    bench = compose("bench", ["+preset=dry_run", "batch=lockstep"], {}).settings
    assert graph_hash(bench) == of("+preset=dry_run", "batch=lockstep")


def test_where_it_listens_does_not_count() -> None:
    assert of("server.port=1", "server.host=0.0.0.0") == of("server.port=2")
    assert of("admin=http", "admin.token=0123456789-abcdef") == of()


def test_under_which_names_answers_lie_in_a_shared_store_does_not_count() -> None:
    assert of("cache=redis", "cache.prefix='a:'") == of("cache=redis") != of("cache=redis", "cache.ttl_s=7")


def test_the_way_through_a_file_changes_nothing() -> None:
    container = compose("bench", ["+preset=dry_run"], {}).container
    again = from_resolved(yaml.safe_load(yaml.safe_dump(container)), "a file")
    assert graph_hash(again) == of("+preset=dry_run")


@pytest.mark.parametrize(
    "change",
    [
        "batch=lockstep",
        "cache.maxsize=999",
        "queue.max_waiting=7",
        "model.max_num_seqs=3",
        "server.deadline_ms=800.0",
        "logging=text",
        "engine.restart.backoff_s=2.0",
        "embedding=dry_run",
    ],
)
def test_every_component_counts(change: str) -> None:
    assert of("engine=dry_run", change) != of("engine=dry_run")


def test_keys_count_by_being_there() -> None:
    one, other = (of("security=keys", KEYS % key) for key in ("sk-one", "sk-other"))
    assert one == other
    assert one != of("security=keys", "security.api_keys=[{key: sk-one, name: a}, {key: sk-two, name: b}]")


def test_whole_numbers_for_floats_are_the_same_value() -> None:
    assert of("batch=lockstep", "batch.max_wait_time_ms=5") == of("batch=lockstep", "batch.max_wait_time_ms=5.0")


def test_of_settings_for_scripts(no_settings: pytest.MonkeyPatch) -> None:
    assert graph_hash(get_config("+preset=dry_run")) == of("+preset=dry_run")
