from vgate.harness.connections import RESERVED, room, too_many


def test_drivers_share_what_the_server_can_accept() -> None:
    assert room(1024) == 1024 - RESERVED
    assert room(1024, 3) == (1024 - RESERVED) // 3
    assert room(RESERVED) == 1


def test_more_users_than_connections_are_refused_by_the_name_of_the_limit() -> None:
    assert too_many({"users": 1024 - RESERVED}, 1024) is None
    assert too_many({"rate": 1e9}, 1024) is None
    told = too_many({"users": 2000}, 1024)
    assert told is not None
    assert "load.users = 2000 needs 2000 connections, and there is room for 768" in told
    assert "1024 files open here" in told
    assert "ulimit -Hn" in told
