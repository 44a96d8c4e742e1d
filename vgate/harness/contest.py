"""Who leads among configurations that were asked the same, and whether that is more than chance."""

from dataclasses import dataclass

from vgate.harness.contenders import Contender, noise
from vgate.harness.interval import MINIMUM_RUNS, t_interval


@dataclass(frozen=True)
class Contest:
    """Two or more, best first, as `ranked` gives them. Means and differences are over the rounds that both share."""

    found: list[Contender]

    @property
    def best(self) -> Contender:
        return self.found[0]

    @property
    def second(self) -> Contender:
        return self.found[1]

    @property
    def rounds(self) -> list[int]:
        """In which the first two both have a valid measurement."""
        return self.best.shared(self.second)

    @property
    def values(self) -> tuple[float, float]:
        """The means of the first two."""
        return self.best.over(self.rounds), self.second.over(self.rounds)

    @property
    def margin(self) -> float:
        """By how much the second has less, as a share."""
        best, second = self.values
        return (best - second) / best if best else 0.0

    @property
    def differences(self) -> list[float]:
        """Round by round: cells of one round were asked the same questions."""
        best, second = self.best.by_round, self.second.by_round
        return [best[number] - second[number] for number in self.rounds]

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the mean difference, 95 %; None below three rounds."""
        return t_interval(self.differences)

    @property
    def proven(self) -> bool:
        """Whether there are enough rounds to know how much another one would differ."""
        return len(self.rounds) >= MINIMUM_RUNS

    @property
    def doubt(self) -> str | None:
        """Why the difference may be chance, in words; None if nothing speaks for that."""
        known = noise(self.found)
        if not self.rounds:
            return "they share no round in which both are valid"
        if known and self.margin <= known[0]:
            return f"their difference of {self.margin:.1%} is within the noise of this machine, {known[0]:.1%}"
        if self.margin <= max(self.best.resolution, self.second.resolution):
            return f"their difference of {self.margin:.1%} is what the requests at the window's edges can make"
        if self.interval is not None and self.interval[0] <= 0:
            return "the interval of their difference includes zero"
        return None


def ranked(found: list[Contender]) -> list[Contender]:
    """Best first: each is held against the best of those without an INVALID or FAILED round, over shared rounds.

    So a round that was slow for everybody hurts nobody who was there, and helps nobody who was not.
    """
    whole = [one for one in found if not one.bad]
    if not whole:
        return found
    common = set.intersection(*(set(one.values) for one in whole))
    best = max(whole, key=lambda one: one.over(common))

    def lead(one: Contender) -> tuple[float, bool]:
        rounds = one.shared(best)
        return one.over(rounds) - best.over(rounds), one is best

    return sorted(found, key=lead, reverse=True)
