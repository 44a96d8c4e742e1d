"""A true sliding window in bounded memory.

Own code and not the library `limits`. Of what is promised here it keeps none: it reads the wall clock itself (and hands
it to its script in Redis), so that a changed clock changes who gets in; it keeps an entry for each token; it cannot
give back what turned out not to be used; and several limits are not one step, so that a refusal by the second has
consumed of the first.
"""

from collections import deque

# So many entries are kept each for itself; beyond, those within 1/256 of a window are one.
EXACT = 256


class Window:
    """Amounts that were taken in the last seconds. Limit and length are told with each call: both may change.

    An amount that was taken at t counts until t + window_s, for every alignment. Where more than 256 are kept, one that
    comes within window_s / 256 of the beginning of the last is counted together with it, as taken now: that holds back
    what would be free, never the other way, for so long at most. So there are never more than 513 entries, and at least
    256/257 of the limit can be used (99.6 %).

    `now` is a monotonic time in seconds, never smaller than in the call before.
    """

    __slots__ = ("_entries", "_next", "taken")

    def __init__(self) -> None:
        self._entries: deque[list[float]] = deque()  # [taken at, amount, begun at]
        self._next = 0  # the number of the next entry; the last one has one less
        self.taken = 0

    def forget(self, now: float, window_s: float) -> None:
        """Drop what does not count any more."""
        entries = self._entries
        while entries and entries[0][0] + window_s <= now:
            self.taken -= int(entries.popleft()[1])

    def take(self, amount: int, now: float, window_s: float) -> int:
        """Take, whether there is room or not; the number by which it can be given back."""
        entries = self._entries
        self.taken += amount
        if len(entries) > EXACT and now - entries[-1][2] < window_s / EXACT:
            entries[-1][0] = now
            entries[-1][1] += amount
        else:
            entries.append([now, amount, now])
            self._next += 1
        return self._next - 1

    def give_back(self, number: int, amount: int) -> None:
        """A part of what was taken under this number; nothing where that does not count any more."""
        at = number - self._next
        if -at <= len(self._entries):
            self._entries[at][1] -= amount
            self.taken -= amount

    def wait_s(self, amount: int, limit: int, now: float, window_s: float) -> float:
        """Seconds until there is room for an amount, which is at most the limit."""
        over = self.taken + amount - limit
        for at, freed, _ in self._entries if over > 0 else ():
            over -= int(freed)
            if over <= 0:
                return at + window_s - now
        return 0.0

    def free_in_s(self, now: float, window_s: float) -> float:
        """Seconds until nothing counts, if nothing more is taken."""
        last = next((at for at, amount, _ in reversed(self._entries) if amount), None)
        return 0.0 if last is None else last + window_s - now

    def __len__(self) -> int:
        """How many entries are kept."""
        return len(self._entries)
