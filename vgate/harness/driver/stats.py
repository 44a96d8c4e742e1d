"""Locust's own statistics, for its console and web page; the harness's numbers do not come from here."""

from locust.env import Environment

from vgate.harness.exchange import Exchange

PATH = "/v1/chat/completions"


class RequestFailed(Exception):
    """What Locust's failure table shows for a request."""


def report(environment: Environment, exchange: Exchange) -> None:
    """Fire Locust's request event: milliseconds from the send (or, never sent, from the intention) to the end."""
    begin = exchange.t_send or exchange.t_int
    environment.events.request.fire(  # type: ignore[no-untyped-call]
        request_type="POST",
        name=PATH,
        response_time=((exchange.t_end or begin) - begin) / 1e6,
        response_length=len(exchange.body),
        exception=failure(exchange),
        context={},
    )


def failure(exchange: Exchange) -> RequestFailed | None:
    """What went wrong with a request, as far as it shows without decoding the body."""
    if exchange.error:
        return RequestFailed(exchange.error)
    if exchange.status != 200:
        return RequestFailed(f"HTTP {exchange.status}")
    return None
