"""A run's winner as a preset: what is written, what is refused, and that it composes to what was measured."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness.rows import FakeRun, steady
from vgate.config import ConfigError, compose
from vgate.config.graph import graph_hash
from vgate.config.secrets import without_secrets
from vgate.harness.files import read_json, write_json, write_yaml
from vgate.harness.preset import Refused, winner, write_preset
from vgate.harness.results import Run, load_run

LOCKSTEP = ["+preset=dry_run", "batch=lockstep", "batch.max_batch_size=3", "queue=fair", "server.deadline_ms=800"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Presets go below the working directory."""
    monkeypatch.chdir(tmp_path)


def add(run: FakeRun, count: int, label: str, *overrides: str, **changes: Any) -> None:
    """A finished cell of a real configuration with so many good requests per second."""
    run.add(steady(count), {"named": label}, **changes)
    cell = max(run.path.glob("cells/*"), key=lambda path: int(path.name.removeprefix("cell")))
    write_yaml(cell / "config.yaml", without_secrets(compose("bench", list(overrides), {}).container))


def fake(path: Path) -> FakeRun:
    run = FakeRun(path / "run")
    manifest = read_json(run.path / "manifest.json")
    manifest["sessions"][0] |= {"vgate": "0.4.0", "git": {"commit": "c0ffee", "changed": True}, "machine": {"cpu": "x"}}
    write_json(run.path / "manifest.json", manifest)
    return run


def two(path: Path, rounds: int = 3, **of_best: Any) -> Run:
    run = fake(path)
    for number in range(rounds):
        add(run, 100, "good", *LOCKSTEP, round=number, **of_best)
        add(run, 50, "bad", "+preset=dry_run", round=number)
    return load_run(run.path)


def test_the_winner_composes_to_what_was_measured(tmp_path: Path) -> None:
    run = two(tmp_path)
    path = write_preset(run, winner(run), "best")
    assert path == Path("conf/preset/best.yaml")
    composed, measured = compose("serve", ["+preset=best"], {}), compose("serve", LOCKSTEP, {})
    assert composed.container == measured.container
    assert graph_hash(composed.settings) == graph_hash(measured.settings)
    assert composed.sources["batch.max_batch_size"] == "preset=best"


def test_it_can_be_changed_like_any_other(tmp_path: Path) -> None:
    run = two(tmp_path)
    write_preset(run, winner(run), "best")
    composed = compose("bench", ["+preset=best", "batch=passthrough", "cache=none"], {})
    assert composed.container["batch"]["_target_"].endswith("Passthrough")
    assert composed.container["queue"]["_target_"].endswith("Fair")
    assert composed.container["cache"] == {"_target_": "vgate.cache.none.NoCache"}


def test_it_says_where_it_came_from(tmp_path: Path) -> None:
    run = two(tmp_path)
    text = write_preset(run, winner(run), "best").read_text(encoding="utf-8")
    graph = graph_hash(compose("serve", LOCKSTEP, {}).settings)
    for told in (
        "# Measured: run, named=good, 3 rounds from 2026-01-01T00:00:01.000+00:00, all valid.",
        "#   named=good is best: 100.00 good requests/s",
        "# Source: V-Gate 0.4.0, commit c0ffee with changes; machine: x.",
        "# Command: python -m vgate.bench",
        f"# Component graph: {graph}",
    ):
        assert told in text
    assert "host" not in yaml.safe_load(text)["server"]


def test_secrets_are_left_out_and_named(tmp_path: Path) -> None:
    run = fake(tmp_path)
    keys = "security.api_keys=[{key: sk-a, name: a}, {key: sk-b, name: b, rate_limit: 3}]"
    given = ["+preset=dry_run", "security=keys", keys]
    add(run, 100, "only", *given, "cache=redis", "cache.url=redis://me:secret@host/0")
    made = load_run(run.path)
    text = write_preset(made, winner(made), "best").read_text(encoding="utf-8")
    assert "has to be given again: cache.url, security.api_keys." in text
    assert "***" not in text
    again = compose("serve", ["+preset=best", keys, "cache.url=redis://me:other@host/0"], {})
    measured = compose("serve", [*given, "cache=redis", "cache.url=redis://me:secret@host/0"], {})
    assert graph_hash(again.settings) == graph_hash(measured.settings)
    assert f"Component graph: {graph_hash(measured.settings)}" in text


def test_an_invalid_winner_is_refused(tmp_path: Path) -> None:
    """By name too; and where another round of it is valid."""
    run = fake(tmp_path)
    add(run, 100, "good", *LOCKSTEP, round=0)
    add(run, 100, "good", *LOCKSTEP, round=1, cpu_share=0.9)
    add(run, 50, "bad", "+preset=dry_run", round=0)
    with pytest.raises(Refused, match=r"named=good \(round 2\) is INVALID: the load driver used 90%"):
        winner(load_run(run.path), "named=good")
    with pytest.raises(
        Refused, match=r"named=good has the most .* but is INVALID in round 2: the load driver used 90%"
    ):
        winner(load_run(run.path))


@pytest.mark.parametrize("rounds", [1, 2])
def test_who_only_leads_is_refused_and_how_to_get_a_winner_is_told(tmp_path: Path, rounds: int) -> None:
    run = two(tmp_path, rounds)
    with pytest.raises(Refused) as error:
        winner(run)
    told = str(error.value)
    assert told.startswith("named=good leads in ")
    assert "The same command with trial.rounds=3 goes on from here and may show one." in told
    assert told.endswith(f"name it: python -m vgate.preset {run.path} NAME --configuration 'AXES'")
    assert winner(run, "named=good").words == "Chosen by name, not by the run's verdict."


def test_several_loads_have_no_one_winner(tmp_path: Path) -> None:
    run = fake(tmp_path)
    for rate in ("10", "20"):
        add(run, 100, f"at{rate}", *LOCKSTEP, "load=poisson", f"load.rate={rate}")
    with pytest.raises(
        Refused, match=r"^Not one verdict but 2: cells that differ in load\.rate were not asked the same"
    ):
        winner(load_run(run.path))


def test_a_single_configuration_that_failed_in_a_round_is_refused(tmp_path: Path) -> None:
    run = fake(tmp_path)
    add(run, 100, "only", *LOCKSTEP)
    run.add_failure({"named": "only"}, "it died", number=1)
    with pytest.raises(Refused, match=r"No winner: named=only, .* is FAILED in round 2: it died"):
        winner(load_run(run.path))


def test_a_dropped_configuration_is_not_written(tmp_path: Path) -> None:
    """Its few rounds may have a higher mean than all rounds of those that stayed."""
    made = two(tmp_path)
    key = next(result.about["effective_hash"] for result in made.results if result.label == "named=good")
    assert winner(replace(made, dropped={key: "named=good was dropped"})).label == "named=bad"


def test_nothing_valid_is_refused(tmp_path: Path) -> None:
    run = fake(tmp_path)
    add(run, 100, "good", *LOCKSTEP, cpu_share=0.9)
    with pytest.raises(Refused, match="every measurement of this run is INVALID: the load driver used"):
        winner(load_run(run.path))


def test_without_a_winner_one_is_named(tmp_path: Path) -> None:
    run = fake(tmp_path)
    for label, count in (("one", 100), ("other", 99)):
        add(run, count, label, *LOCKSTEP, load={"users": 8})
    made = load_run(run.path)
    with pytest.raises(Refused, match="No winner between named=one"):
        winner(made)
    assert winner(made, "named=other").label == "named=other"
    with pytest.raises(ConfigError, match="this run has 'named=one', 'named=other'"):
        winner(made, "named=third")


def test_a_run_of_one_configuration_needs_no_contest(tmp_path: Path) -> None:
    run = fake(tmp_path)
    add(run, 100, "only", *LOCKSTEP)
    made = load_run(run.path)
    assert winner(made).label == "named=only"


@pytest.mark.parametrize("name", ["classic", "a/b", "off", "", "8", "a b", "../x"])
def test_names_that_cannot_be(name: str, tmp_path: Path) -> None:
    run = two(tmp_path)
    with pytest.raises(ConfigError, match=r"^preset = "):
        write_preset(run, winner(run), name)
    assert not Path("conf").exists()


def test_a_preset_is_not_overwritten(tmp_path: Path) -> None:
    run = two(tmp_path)
    write_preset(run, winner(run), "best")
    with pytest.raises(ConfigError, match="is there already"):
        write_preset(run, winner(run), "best")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    run = two(tmp_path)
    Path("conf").write_text("a file", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"conf/preset/best\.yaml: cannot be written"):
        write_preset(run, winner(run), "best")


def test_presets_are_looked_for_below_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its name; elsewhere they are not there."""
    place = tmp_path / "it's, [odd] = {1}"
    place.mkdir()
    monkeypatch.chdir(place)
    run = two(tmp_path)
    write_preset(run, winner(run), "best")
    assert compose("serve", ["+preset=best"], {}).container["batch"]["max_batch_size"] == 3
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="unknown option"):
        compose("serve", ["+preset=best"], {})


def test_without_a_single_good_request_there_is_none(tmp_path: Path) -> None:
    run = fake(tmp_path)
    run.add(steady(100, ttft_ms=900.0), {"named": "only"})
    with pytest.raises(Refused, match="No winner"):
        winner(load_run(run.path))


def test_who_is_left_because_all_others_are_invalid_has_not_won(tmp_path: Path) -> None:
    run = fake(tmp_path)
    for number in range(3):
        add(run, 100, "good", *LOCKSTEP, round=number)
        add(run, 50, "bad", "+preset=dry_run", round=number, cpu_share=0.9)
    with pytest.raises(Refused, match="named=good"):
        winner(load_run(run.path))


def test_the_source_is_that_of_the_session_that_measured_it(tmp_path: Path) -> None:
    made = two(tmp_path)
    first = made.manifest["sessions"][0]
    later = first | {"utc": "2999-01-01T00:00:00+00:00", "git": {"commit": "decade", "changed": False}}
    made.manifest["sessions"] = [first, later]
    text = write_preset(made, winner(made), "best").read_text(encoding="utf-8")
    assert "c0ffee" in text
    assert "decade" not in text
