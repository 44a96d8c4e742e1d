"""The highest Poisson rate at which a server meets its latency targets.

`seek` decides what to measure next and when enough is known; it knows neither servers nor clocks, so the same code runs
on a real rig (`rates.py`) and on a simulated queue whose capacity is known in closed form (`queue.py`).
"""
