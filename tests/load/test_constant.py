from itertools import islice

import pytest

from vgate.load.constant import Constant


def test_gaps_are_equal_and_do_not_drift() -> None:
    """Each offset is computed, not summed up: after a day the millionth request is due to the nanosecond."""
    offsets = list(islice(Constant(3.0).offsets_s(seed=1), 1_000_001))
    assert offsets[:3] == [0.0, 1 / 3, 2 / 3]
    assert offsets[-1] == pytest.approx(1_000_000 / 3, abs=1e-9)


@pytest.mark.parametrize("rate", [4.0, 7.5])
def test_a_window_holds_rate_times_its_length(rate: float) -> None:
    offsets = islice(Constant(rate).offsets_s(seed=0), 1000)
    assert sum(2.0 <= offset < 12.0 for offset in offsets) == rate * 10


def test_nothing_is_random() -> None:
    load = Constant(10.0)
    assert list(islice(load.offsets_s(1), 9)) == list(islice(load.offsets_s(2), 9))
