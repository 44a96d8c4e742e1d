"""Measuring: trials, load driver, raw records, metrics, validity, reports.

A trial writes raw rows first; every number is a pure function of them (`vgate.harness.metrics`).
"""
