"""Where a request's time went.

client:       t_int to t_send, the dispatch lag.
wire:         t_send to the server's reading of the headers, and from the answer's last byte being ready to t_end.
gateway:      the gateway's own work, before admission (parsing, keys, cache, template, tokens) and after the last token
              (text, JSON, events); what it does between two tokens overlaps with decode.
queue:        waiting for room in the engine, as the gateway lets it in.
batch_wait:   held for company though there was room.
engine_queue: from there to the engine's first step for it, the way into the engine's process included.
prefill, decode: from there to its first token, and to its last.

An answer that was joined is given the parts of the generation that it followed, from its own arrival on; one from the
cache, or refused unqueued, is all gateway and wire; one refused while it waited has no engine. No part is bent to fit:
stamps of two processes in the wrong order show as a negative part.
"""

import numpy as np
import pandas as pd

UNIT = "ms"

PARTS = ("client", "wire", "gateway", "queue", "batch_wait", "engine_queue", "prefill", "decode")
_GENERATION = ("t_queued", "t_admitted", "t_scheduled", "t_first_token", "t_last_token")


def parts_ms(rows: pd.DataFrame, server: pd.DataFrame) -> pd.DataFrame:
    """The client's rows, joined to the server's, as a column for each of PARTS; their sum is `e2e_ms`.

    NaN, all parts of a request: it had no end, or the server's records or its engine do not tell of it.
    """
    own = server.drop_duplicates("request_id").set_index("request_id").reindex(rows["request_id"])
    calls = server[server["call_id"] != ""].drop_duplicates("call_id").set_index("call_id")
    made = calls.reindex(own["source_id"])
    sent, end = (_since(rows["t_int"], rows[name]) for name in ("t_send", "t_end"))
    arrived, answered = (_since(rows["t_int"], own[name]) for name in ("t_arrived", "t_answered"))
    stamps = [_since(rows["t_int"], made[name]) for name in _GENERATION]
    queued, admitted, scheduled, first, last = _seen(stamps, arrived, answered, _had_it_whole(own))
    held = _held(made, stamps, admitted - queued)
    parts = {
        "client": sent,
        "wire": arrived - sent + end - answered,
        "gateway": queued - arrived + answered - last,
        "queue": admitted - queued - held,
        "batch_wait": held,
        "engine_queue": scheduled - admitted,
        "prefill": first - scheduled,
        "decode": last - first,
    }
    found = pd.DataFrame(parts, index=rows.index)
    return found.mask(found.isna().any(axis=1) | _lost(own, made))


def _since(t_int: pd.Series, stamps: pd.Series) -> np.ndarray:
    """Milliseconds from the intended time."""
    since = (stamps.reset_index(drop=True) - t_int.reset_index(drop=True)) / 1e6
    return np.asarray(since.astype("Float64").to_numpy(float, na_value=np.nan))


def _had_it_whole(own: pd.DataFrame) -> np.ndarray:
    """Who had a generation to itself and stayed to its end, and so saw all of it."""
    return np.asarray((own["source_id"] == own["call_id"]).to_numpy(bool) & own["error"].isna().to_numpy())


def _lost(own: pd.DataFrame, made: pd.DataFrame) -> np.ndarray:
    """Who followed a generation that is not recorded."""
    joined = (own["cache"] == "coalesced").fillna(False).to_numpy(bool)
    return np.asarray(joined & made["t_arrived"].isna().to_numpy())


def _seen(stamps: list[np.ndarray], arrived: np.ndarray, answered: np.ndarray, whole: np.ndarray) -> list[np.ndarray]:
    """A generation's stamps as its reader saw them: what came before it arrived, or after it was answered, was not.

    What did not happen is put at the answer; but who entered the engine must know what became of it there.
    """
    entered = ~np.isnan(stamps[1])
    happened = [~np.isnan(stamps[0]), entered, entered, entered, entered]
    clipped = [np.where(whole, moments, np.clip(moments, arrived, answered)) for moments in stamps]
    return [np.where(did, moments, answered) for did, moments in zip(happened, clipped, strict=True)]


def _held(made: pd.DataFrame, stamps: list[np.ndarray], wait: np.ndarray) -> np.ndarray:
    """Of that wait so much; of a wait joined midway, the share that the whole of it had."""
    held = (made["held_ns"] / 1e6).astype("Float64").to_numpy(float, na_value=0.0)
    whole = stamps[1] - stamps[0]
    known = whole > 0
    return np.where(known, held / np.where(known, whole, 1.0) * wait, 0.0)
