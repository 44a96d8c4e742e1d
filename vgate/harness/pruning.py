"""Which configurations of a sweep need not be measured to the end, because they are surely worse than another."""

from dataclasses import dataclass

from vgate.harness.asked import by_question
from vgate.harness.contenders import Contender, contenders
from vgate.harness.interval import MINIMUM_RUNS, paired_interval
from vgate.harness.results import Result
from vgate.harness.verdict import deciding

RISK = 0.01  # that the best configuration of an engine is dropped, however many rounds and configurations there are
MARGIN = 0.02  # of the leader's mean; what may lie nearer to it is measured to the end


@dataclass(frozen=True)
class Dropped:
    """A configuration that is not measured further.

    key: its `effective_hash`; rounds: how many were measured; least: the least that it loses to `leader`, as a share.
    """

    key: str
    name: str
    leader: str
    rounds: int
    least: float
    unit: str

    @property
    def words(self) -> str:
        """One line for people."""
        loss = f"surely at least {self.least:.1%} fewer {self.unit} than {self.leader}"
        return f"{self.name} was dropped after {self.rounds} rounds: {loss}"


def surely_worse(results: list[Result], rounds: int, candidates: int) -> list[Dropped]:
    """Whom to drop after `rounds` rounds of an engine that began with so many `candidates`.

    Only those are held against each other that were asked the same. Invalid measurements take no part, and neither do
    other engines, which were not measured at the same time.
    """
    if rounds < MINIMUM_RUNS:
        return []
    return [
        dropped
        for group in by_question(results).values()
        for dropped in _among(group, rounds, confidence(rounds, candidates))
    ]


def _among(results: list[Result], rounds: int, level: float) -> list[Dropped]:
    """Of results that were asked the same. Who lacks a valid round cannot win, so nobody is dropped for its sake."""
    valid = [result for result in results if not result.invalid]
    if not valid:
        return []
    metric, unit = deciding(valid[0].slo)
    found = contenders(results, metric)
    leader = next((one for one in found if not one.bad and len(one.values) == rounds), None)
    if leader is None:
        return []
    others = [one for one in found if one is not leader]
    return [
        Dropped(loser.key, loser.name, leader.name, rounds, least, unit)
        for loser, least in losers([leader, *others], level)
    ]


def confidence(rounds: int, candidates: int) -> float:
    """The level of the interval that one comparison has to pass, so that all of them together keep to RISK.

    Everybody is looked at after every round from the third on; with 95 % each time, mistakes would be the rule in a
    long sweep. So the risk is shared out (Bonferroni): look j, of any number, has 1 / (j (j + 1)) of it, and each of
    the others who might lead has an equal part of that. The leader is picked by its mean, which flatters it; as there
    is a part for everybody who might have been picked, the sum bounds the chance all the same. Only the interval's
    lower end can do harm, so each part is one tail.
    """
    look = rounds - MINIMUM_RUNS + 1
    return 1 - 2 * RISK / (look * (look + 1)) / max(1, candidates - 1)


def losers(found: list[Contender], level: float) -> list[tuple[Contender, float]]:
    """Whose interval, paired by round, lies below the first by more than the margin; and by how much at least."""
    leader, *others = found
    if leader.mean <= 0:
        return []
    pairs = [(other, paired_interval(leader.by_round, other.by_round, level)) for other in others]
    return [
        (other, interval[0] / leader.mean)
        for other, interval in pairs
        if interval and interval[0] / leader.mean > _margin(leader, other)
    ]


def _margin(leader: Contender, other: Contender) -> float:
    """As a share of the leader's mean: MARGIN, or what requests at the edges of the window can make."""
    return max(MARGIN, leader.resolution, other.resolution * other.mean / leader.mean)
