"""How many connections a load may have open, so that it is never the instrument that runs out of them unsaid."""

from collections.abc import Mapping
from typing import Any

# Of the open files of a process; for logs, libraries, and what a server talks to beside its clients.
RESERVED = 256


def room(limit: int, drivers: int = 1) -> int:
    """Connections for each of `drivers` processes, where a process may have `limit` files open.

    Together no more than the one server can accept, which has the same limit: so the load driver meets it first, and
    says so, while a server that cannot accept only looks slow.
    """
    return max(1, (limit - RESERVED) // drivers)


def too_many(load: Mapping[str, Any], limit: int) -> str | None:
    """Why a load, a resolved section, cannot be had with so many open files for a process; None if it can.

    Only a closed loop says beforehand how many connections it needs: one for each user.
    """
    users = load.get("users", 0)
    if users <= room(limit):
        return None
    return (
        f"load.users = {users} needs {users} connections, and there is room for {room(limit)}: a process may have"
        f" {limit} files open here, {RESERVED} of them for other things. Raise the hard limit (ulimit -Hn; LimitNOFILE"
        " of a systemd unit; --ulimit nofile of docker run), or take fewer users"
    )
