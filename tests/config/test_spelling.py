import pytest

from vgate.config import ConfigError
from vgate.config.spelling import shown_command, shown_value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("load.rate=20.0", "20.0"),
        ("trial.name='a b'", "'a b'"),
        ("batch.max_batch_size=1,4,8", "1,4,8"),
        ("load.users=range(1,4)", "range(1,4)"),
        ("x=interval(0,50)", "interval(0,50)"),
        ("x={distribution: normal, mean: 9, stddev: 1}", "{distribution: normal, mean: 9, stddev: 1}"),
        ("cache.url=redis://ann:pw@h/0", "redis://***@h/0"),
        ("cache.url=redis://:pw@a,redis://:pw@b", "redis://***@a,redis://***@b"),
        ("engine.extra_args.hf_token=pw", "***"),
        ("engine.extra_args={hf_token: pw, x: 1}", "{hf_token:'***',x:1}"),
    ],
)  # fmt: skip
def test_a_value_is_shown_as_it_is_given_but_for_what_is_secret(text: str, shown: str) -> None:
    assert shown_value(text) == shown


def test_what_cannot_be_read_has_no_value() -> None:
    with pytest.raises(ConfigError):
        shown_value("a=[b")


@pytest.mark.parametrize(
    "argument",
    [
        "cache.url=redis://ann:pass@host",
        "cache.url=redis://:pass@x,redis://:pass@y",
        "security.api_keys=[{key: 'pass\\'word', name: a}]",
        'security.api_keys=[{key: "pass\'word", name: a}]',
        "security.api_keys=[{key:'pass',name:a}]",
        "security.api_keys=[{key: pass, name: a}",
        "security.api_keys=[pass",
        "batch=lockstep engine.extra_args.hf_token=pass",
        "batch=lockstep 'cache.url=redis://:pass@h'",
        "engine.extra_args={headers: {Authorization: Bearer pass}}",
        "http://ann:pass@host",
    ],
)
def test_O6_a_command_is_shown_without_secrets(argument: str) -> None:
    shown = shown_command(["+preset=cpu", argument, "-m"])
    assert "pass" not in shown
    assert "***" in shown
    assert shown.startswith("+preset=cpu ")
    assert shown.endswith(" -m")


def test_what_is_not_secret_is_shown_as_a_shell_takes_it() -> None:
    words = ["", "batch=lockstep batch.max_batch_size=8", "trial.name='a b'", "--margin", "3%", "results/a::batch=x"]
    shown = "'' 'batch=lockstep batch.max_batch_size=8' 'trial.name='\"'\"'a b'\"'\"'' --margin 3% results/a::batch=x"
    assert shown_command(words) == shown
