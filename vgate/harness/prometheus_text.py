"""Reading one number from a server's `/metrics` text."""

import re


def total(text: str, name: str) -> float:
    """Sum of a metric's samples over all labels; 0 when there are none."""
    samples = re.findall(rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)", text, re.MULTILINE)
    return sum(float(value) for value in samples)
