"""Where a server's configuration comes from, read again."""

import os
import stat
from pathlib import Path

import pytest
import yaml

from tests.config.composing import serve, written
from vgate.config import ConfigError
from vgate.config.sources import Sources


def test_the_file_is_read_again(tmp_path: Path, no_settings: pytest.MonkeyPatch) -> None:
    environ = written(tmp_path, "cache: {maxsize: 5}\n")
    no_settings.setenv("VGATE_CONFIG_PATH", environ["VGATE_CONFIG_PATH"])
    sources = Sources(["+preset=dry_run", "queue.max_waiting=7"])
    settings, notes = sources.read()
    assert (settings.cache.model_dump()["maxsize"], settings.queue.max_waiting, notes) == (5, 7, [])
    written(tmp_path, "cache: {maxsize: 6}\nqueue: {max_waiting: 8}\n")
    settings, _ = sources.read_again()
    assert (settings.cache.model_dump()["maxsize"], settings.queue.max_waiting) == (6, 7)
    no_settings.setenv("VGATE_CACHE__MAXSIZE", "9")
    assert sources.read_again()[0].cache.model_dump()["maxsize"] == 9


def test_a_resolved_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "resolved.yaml"
    container = serve("+preset=dry_run").container
    sources = Sources(resolved=str(path))
    for waiting in (5, 6):
        container["queue"]["max_waiting"] = waiting
        path.write_text(yaml.safe_dump(container))
        assert sources.read_again()[0].queue.max_waiting == waiting


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, stat.S_IRUSR | stat.S_IWUSR)
    for path in (pipe, tmp_path / "nothing", tmp_path):
        with pytest.raises(ConfigError, match="is no file that can be read again"):
            Sources(resolved=str(path)).read_again()


def test_settings_beside_a_resolved_file_are_refused() -> None:
    with pytest.raises(ConfigError, match="takes no settings beside its file"):
        Sources(["batch=lockstep"], "resolved.yaml").read()


def test_a_file_that_is_no_text_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "resolved.yaml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError) as caught:
        Sources(resolved=str(path)).read()
    assert "\n" not in str(caught.value)
