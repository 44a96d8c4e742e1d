"""What must hold of everything that a server answers, whatever it was asked."""

import json
from typing import Any

from tests.api.wire import Answer, Malformed, answers

#: With a deadline that is too short; there are no other reasons in a server without faults and with room.
LATE = 504
#: By the label that holds them, values of the metrics that count requests.
LABELS = {
    "endpoint": {
        *("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/models", "/openapi.json", "other"),
        *("/health", "/ready", "/metrics", "/stats"),
    },
    "method": {"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "other"},
    "status": {str(status) for status in (200, 400, 401, 404, 405, 408, 413, 415, 429, 431, 499, 504)},
}

_NOT_WORK = {"vgate_cache_entries", "vgate_cache_bytes", "vgate_build_info"}


def complaints(sent: bytes, received: bytes, *, closed: bool, head: bool = False) -> list[str]:
    """What is wrong with the answers to what was sent, once the server has had its time."""
    try:
        found = answers(received, closed=closed, heads=head)
    except Malformed as error:
        return [] if head and b"Not a valid HTTP/1.1" in received else [f"no HTTP: {error}"]
    if not found and sent.strip(b"\r\n"):
        return ["no answer"]
    return [wrong for answer in found for wrong in _complaints(answer, sent, head)]


def _complaints(answer: Answer, sent: bytes, head: bool) -> list[str]:
    wrong = []
    if not answer.whole:
        wrong.append(f"an answer that does not end: {answer}")
    if answer.status >= 500 and not (answer.status == LATE and b"deadline-ms" in sent.lower()):
        wrong.append(f"status {answer.status}: {answer.body[:300]!r}")
    if not answer.headers.get("x-request-id"):
        wrong.append(f"no X-Request-Id: {answer}")
    if not head and answer.whole and not _is_well_formed(answer):
        wrong.append(f"not in its form: {answer}")
    return wrong


def _is_well_formed(answer: Answer) -> bool:
    if answer.status >= 400:
        return is_error(_json(answer))
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/event-stream"):
        return answer.body.endswith(b"data: [DONE]\n\n") and b'{"error"' not in answer.body
    return kind.startswith("text/plain") or isinstance(_json(answer), dict)


def is_error(body: Any) -> bool:
    """OpenAI's form of an error."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or set(error) != {"message", "type", "param", "code"}:
        return False
    texts = (error["message"], error["type"])
    return all(isinstance(text, str) and text for text in texts) and all(
        isinstance(error[name], str | None) for name in ("param", "code")
    )


def _json(answer: Answer) -> Any:
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def strange_labels(exposition: str) -> list[str]:
    """Samples of V-Gate's metrics with a label value that is from no fixed set (O1)."""
    return [line for line in exposition.splitlines() if line.startswith("vgate_requests_total{") and _is_strange(line)]


def _is_strange(line: str) -> bool:
    labels = dict(part.split("=", 1) for part in line[line.index("{") + 1 : line.rindex("}")].split(","))
    return any(value.strip('"') not in LABELS[name] for name, value in labels.items())


def series(exposition: str) -> int:
    """How many time series there are."""
    return sum(bool(line) and not line.startswith("#") for line in exposition.splitlines())


def gauges_in_use(exposition: str) -> dict[str, float]:
    """Gauges of V-Gate that tell of work under way, and are not 0."""
    lines = exposition.splitlines()
    names = {line.split()[2] for line in lines if line.startswith("# TYPE vgate_") and line.endswith(" gauge")}
    names = {name for name in names if not name.endswith("_created")} - _NOT_WORK
    values = {line.split(" ")[0]: float(line.split(" ")[1]) for line in lines if line.partition(" ")[0] in names}
    return {name: value for name, value in values.items() if value}
