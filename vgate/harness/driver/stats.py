"""Locust's own statistics, for its console and web page; the harness's numbers do not come from here."""

from locust.env import Environment

from vgate.harness.answers import decode
from vgate.harness.exchange import Exchange

PATH = "/v1/chat/completions"


class RequestFailed(Exception):
    """What Locust's failure table shows for a request."""


def report(environment: Environment, exchange: Exchange) -> None:
    """A request in Locust's tables: milliseconds from the send (or, never sent, from the intention) to the end."""
    begin = exchange.t_send or exchange.t_int
    took_ms = ((exchange.t_end or begin) - begin) / 1e6
    _fire(environment, "POST", took_ms, len(exchange.body), failure(exchange))


def report_tokens(environment: Environment, exchange: Exchange) -> None:
    """Rows for TTFT (from the send) and TPOT; decodes the answer, so not for use while measuring."""
    content = decode(exchange)
    if content.error or not content.t_tok or exchange.t_send is None:
        return
    first, last, count = content.t_tok[0], content.t_tok[-1], content.completion_tokens or 0
    _fire(environment, "TTFT", (first - exchange.t_send) / 1e6, 0, None)
    if count > 1:
        _fire(environment, "TPOT", (last - first) / (count - 1) / 1e6, 0, None)


def failure(exchange: Exchange) -> RequestFailed | None:
    """What went wrong with a request, as far as it shows without decoding the body."""
    if exchange.error:
        return RequestFailed(exchange.error)
    if exchange.status != 200:
        return RequestFailed(f"HTTP {exchange.status}")
    return None


def _fire(environment: Environment, kind: str, took_ms: float, size: int, failed: RequestFailed | None) -> None:
    environment.events.request.fire(
        request_type=kind, name=PATH, response_time=took_ms, response_length=size, exception=failed, context={}
    )
