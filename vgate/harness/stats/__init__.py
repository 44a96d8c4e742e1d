"""How far a number may be off: intervals from one run, whose requests are not independent, and over repeated runs.

All intervals are two-sided. `experiments/coverage.py` measures how often they hold the truth, and `results/coverage/`
has its tables. An interval that the data cannot carry is None, never a guess.
"""
