"""What every load promises, shown on every option of `conf/load/`."""

from itertools import islice

import pytest

from tests.load.plans import LOADS, load, load_section
from tests.load.settings import Recorder
from vgate.load.base import OpenLoad

OPEN = [option for option in LOADS if option != "closed"]


@pytest.mark.parametrize("option", LOADS)
def test_the_same_seed_gives_the_same_plan_again(option: str) -> None:
    made = load(option)
    assert (
        list(islice(made.slots(7), 100)) == list(islice(made.slots(7), 100)) == list(islice(load(option).slots(7), 100))
    )


@pytest.mark.parametrize("option", LOADS)
def test_another_seed_gives_another_plan_where_anything_is_random(option: str) -> None:
    plans = [list(islice(load(option).slots(seed), 100)) for seed in (7, 8)]
    assert (plans[0] == plans[1]) == (option in ("closed", "constant", "trace"))


@pytest.mark.parametrize("option", OPEN)
def test_offsets_ascend_from_the_start(option: str) -> None:
    made = load(option)
    assert isinstance(made, OpenLoad)
    offsets = list(islice(made.offsets_s(3), 500))
    assert offsets == sorted(offsets)
    assert offsets[0] >= 0


@pytest.mark.parametrize("option", OPEN)
def test_the_schedule_is_what_is_driven(option: str) -> None:
    driver, made = Recorder(), load(option)
    made.drive(driver, 7)
    assert driver.users is None
    assert driver.schedule is not None
    planned = [offset for _, offset in islice(made.slots(7), 50)]
    assert list(islice(driver.schedule, 50)) == planned


@pytest.mark.parametrize("option", OPEN)
def test_the_offered_rate_is_that_of_the_schedule(option: str) -> None:
    """Over the time that the rate is meant for; within 4 standard errors of the burstiest option."""
    made, section = load(option), load_section(option)
    assert isinstance(made, OpenLoad)
    begin, end = (section["delay_s"], section["delay_s"] + section["over_s"]) if option == "ramp" else (0.0, 50.0)
    found = 0
    for seed in range(10):
        offsets = islice(made.offsets_s(seed), 3000)
        found += sum(begin <= offset < min(end, made.length_s or end) for offset in offsets)
    expected = made.offered_rate * (min(end, made.length_s or end) - begin) * 10  # type: ignore[operator]
    assert found == pytest.approx(expected, abs=0 if option == "constant" else 4 * (2 * expected) ** 0.5)


@pytest.mark.parametrize("option", LOADS)
def test_only_a_trace_ends(option: str) -> None:
    made = load(option)
    assert (made.length_s is not None) == (option == "trace")
    assert (len(list(islice(made.slots(0), 1000))) < 1000) == (option == "trace")
