"""Who keeps a conversation: a user of a closed loop; in an open loop, one of a number of lanes that take turns."""

from vgate.workload.base import Slot

GOLDEN = 0.6180339887498949


def lane_of(slot: Slot, lanes: int) -> tuple[int, int]:
    """The lane that asks in `slot`, and the how-manieth of its requests that is, from 0."""
    if slot.user is not None:
        return slot.user, slot.number
    return slot.number % lanes, slot.number // lanes


def start_of(lane: int, count: int) -> int:
    """Where a lane begins in a list of `count`, to walk on from there.

    Steps of the golden section: however many lanes there are, they start about evenly spread, so nothing is asked
    twice before a good part of the list has been asked once.
    """
    return int(lane * GOLDEN % 1.0 * count)
