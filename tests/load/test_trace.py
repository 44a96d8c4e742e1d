from pathlib import Path

import pytest

from tests.load.settings import SAMPLES
from vgate.load.recorded import WrongFile
from vgate.load.trace import Trace

HEAD = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"


def trace(tmp_path: Path, *seconds: float, speed: float = 1.0, start_s: float = 0.0) -> Trace:
    path = tmp_path / "trace.csv"
    path.write_text(HEAD + "".join(f"{second},m,1,1,2,t\n" for second in seconds), encoding="utf-8")
    return Trace(str(path), speed, start_s, max_rows=1000)


def test_arrivals_are_those_recorded_and_then_it_ends(tmp_path: Path) -> None:
    assert list(trace(tmp_path, 100, 101.5, 101.5, 104).offsets_s(seed=3)) == [0.0, 1.5, 1.5, 4.0]


def test_twice_as_fast_is_half_as_long_and_twice_the_rate(tmp_path: Path) -> None:
    slow = trace(tmp_path, 0, 1, 2, 3, 4)
    (tmp_path / "fast").mkdir()
    fast = trace(tmp_path / "fast", 0, 1, 2, 3, 4, speed=2.0)
    assert list(fast.offsets_s(0)) == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert (slow.offered_rate, fast.offered_rate) == (1.0, 2.0)
    assert (slow.length_s, fast.length_s) == (5.0, 2.5)


def test_a_window_as_long_as_the_trace_has_the_traces_rate(tmp_path: Path) -> None:
    """The length includes the gap that would follow the last request, so n requests in it are n / length a second."""
    made = trace(tmp_path, *range(10))
    assert made.length_s == 10.0
    assert len(list(made.offsets_s(0))) / made.length_s == made.offered_rate


def test_what_is_left_out_at_the_beginning_is_seconds_of_the_trace(tmp_path: Path) -> None:
    assert list(trace(tmp_path, 0, 4, 6, speed=2.0, start_s=3.0).offsets_s(0)) == [0.5, 1.5]


@pytest.mark.parametrize("seconds", [(7,), (7, 7)])
def test_a_trace_without_a_rate_is_refused(tmp_path: Path, seconds: tuple[float, ...]) -> None:
    with pytest.raises(WrongFile, match="no two requests at different times"):
        trace(tmp_path, *seconds)


def test_a_sample_is_driven_as_it_stands() -> None:
    made = Trace(str(SAMPLES / "azure_2023.csv"), 1.0, 0.0, 100)
    offsets = list(made.offsets_s(0))
    assert len(offsets) == 100
    assert offsets == sorted(offsets)
