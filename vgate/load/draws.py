"""Random numbers that are the same on every platform and under every version of Python."""

import math
import random

from vgate.load.seeds import derive

# ln 2 in two parts: a whole number below 2^20 times the first is exact.
_LN2_HIGH, _LN2_LOW = float.fromhex("0x1.62e42fee00000p-1"), float.fromhex("0x1.a39ef35793c76p-33")
_LN_TERMS = tuple(1.0 / n for n in range(21, 0, -2))  # of the odd powers in the series of artanh
_EXP_TERMS = tuple(1.0 / math.factorial(n) for n in range(14, -1, -1))


class Draws:
    """The random numbers of one use, called `name`.

    Of the standard generator only `random()` is used: Python promises that its sequence stays, and promises nothing
    of its other methods. Logarithms and exponentials are computed here, from operations that IEEE 754 defines to the
    last digit; those of C libraries differ from each other there.
    """

    def __init__(self, seed: int, name: str) -> None:
        self.uniform = random.Random(derive(seed, name)).random  # noqa: S311 -- seeded randomness is the point

    def index(self, count: int) -> int:
        """One of 0 ... count - 1, each as likely."""
        return int(self.uniform() * count)

    def exponential(self) -> float:
        """Mean 1."""
        return -ln(1.0 - self.uniform())

    def normal(self) -> float:
        """Mean 0, standard deviation 1; Marsaglia's polar method."""
        while True:
            x, y = 2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0
            square = x * x + y * y
            if 0.0 < square < 1.0:
                return x * math.sqrt(-2.0 * ln(square) / square)

    def gamma(self, shape: float) -> float:
        """Mean and variance `shape`; Marsaglia and Tsang, A simple method for generating gamma variables (2000)."""
        if shape < 1.0:
            return self.gamma(shape + 1.0) * exp(-self.exponential() / shape)
        d = shape - 1.0 / 3.0
        c = 1.0 / math.sqrt(9.0 * d)
        while True:
            x = self.normal()
            root = 1.0 + c * x
            if root <= 0.0:
                continue
            v = root * root * root
            if ln(1.0 - self.uniform()) < 0.5 * x * x + d - d * v + d * ln(v):
                return d * v


def ln(x: float) -> float:
    """The natural logarithm of x > 0, within 2 units in the last place: 2 artanh((m - 1) / (m + 1)) + e ln 2."""
    m, e = math.frexp(x)
    if m < 0.7071067811865476:
        m, e = m * 2.0, e - 1
    s = (m - 1.0) / (m + 1.0)
    square, total = s * s, 0.0
    for term in _LN_TERMS:
        total = total * square + term
    return e * _LN2_HIGH + (2.0 * s * total + e * _LN2_LOW)


def exp(x: float) -> float:
    """The exponential function, within 2 units in the last place: Taylor's series around a multiple of ln 2."""
    times = math.floor(x / _LN2_HIGH + 0.5)
    rest, total = (x - times * _LN2_HIGH) - times * _LN2_LOW, 0.0
    for term in _EXP_TERMS:
        total = total * rest + term
    return math.ldexp(total, times)
