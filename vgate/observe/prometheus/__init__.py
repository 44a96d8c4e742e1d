"""Prometheus metrics of one server, and the same as JSON. The only package that imports prometheus_client."""

from vgate.observe.prometheus.observer import PrometheusObserver

__all__ = ["PrometheusObserver"]
