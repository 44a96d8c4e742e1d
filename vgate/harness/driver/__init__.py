"""The load driver: Locust on gevent, in a process of its own (`python -m vgate.harness.driver PLAN`).

Only this package imports Locust, which patches the standard library's blocking calls when imported.
"""
