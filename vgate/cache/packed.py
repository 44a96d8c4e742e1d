"""An answer as one run of bytes: what is kept of it, here and in other stores.

A streamed answer is hundreds of small objects, each with an overhead larger than its text; packed it is one. The form
is a header, the id, for each event its length and whether it is content, the usages, and the events' data. Numbers are
little-endian, as on all machines that vLLM runs on. Stores that outlive a process write a version beside it.
"""

import struct
from array import array
from itertools import accumulate, pairwise

from vgate.types import Answer, Event, Usage

# Length of the id in bytes, number of events, number of usages.
_HEADER = struct.Struct("<III")
# Which event, prompt tokens, completion tokens.
_USAGE = struct.Struct("<IQQ")


def pack(answer: Answer) -> bytes:
    """The answer without its age."""
    name = answer.id.encode()
    events = answer.events
    # Lengths, with the lowest bits for content and counts.
    lengths = array("I", [len(event.data) << 2 | event.counts << 1 | event.content for event in events])
    usages = [_USAGE.pack(at, *event.usage) for at, event in enumerate(events) if event.usage is not None]
    header = _HEADER.pack(len(name), len(events), len(usages))
    return b"".join((header, name, lengths.tobytes(), *usages, *(event.data for event in events)))


def unpack(packed: bytes, age_s: float = 0.0) -> Answer:
    """What was packed. Raises ValueError for bytes that are no packed answer."""
    try:
        return _unpacked(packed, age_s)
    except (struct.error, ValueError) as error:
        raise ValueError(f"not a packed answer: {error}") from None


def _unpacked(packed: bytes, age_s: float) -> Answer:
    name_size, count, usage_count = _HEADER.unpack_from(packed)
    at = _HEADER.size + name_size
    name = packed[_HEADER.size : at].decode()
    lengths = array("I", packed[at : at + 4 * count])
    at += 4 * count
    usages = {
        which: Usage(*numbers) for which, *numbers in _USAGE.iter_unpack(packed[at : at + _USAGE.size * usage_count])
    }
    at += _USAGE.size * usage_count
    ends = list(accumulate((length >> 2 for length in lengths), initial=at))
    if len(lengths) != count or len(usages) != usage_count or ends[-1] != len(packed):
        raise ValueError("cut off, or longer than it says")
    spans = zip(pairwise(ends), lengths, strict=True)
    events = [
        Event(packed[start:end], bool(length & 1), usages.get(which), bool(length & 2))
        for which, ((start, end), length) in enumerate(spans)
    ]
    return Answer(name, tuple(events), age_s)
