from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vgate.harness.exchange import Exchange, read, write

stamps = st.integers(0, 2**62)
exchanges = st.builds(
    Exchange,
    name=st.text(),
    request_id=st.text(),
    t_int=stamps,
    t_send=st.none() | stamps,
    t_end=st.none() | stamps,
    status=st.none() | st.integers(100, 599),
    cache=st.none() | st.text(),
    error=st.none() | st.text(),
    reads=st.lists(st.tuples(stamps, st.integers(1, 10**6))),
    body=st.binary(),
)


@given(made=st.lists(exchanges, max_size=4))
def test_what_is_written_is_read(made: list[Exchange], tmp_path_factory: object) -> None:
    path = tmp_path_factory.mktemp("raw") / "raw.bin"  # type: ignore[attr-defined]
    with path.open("wb") as file:
        for exchange in made:
            write(exchange, file)
    assert list(read(path)) == made


def test_the_body_may_be_a_growing_buffer(tmp_path: Path) -> None:
    exchange = Exchange("n", "id", 1, body=bytearray(b"a\nb"))
    with (tmp_path / "raw").open("wb") as file:
        write(exchange, file)
    assert [found.body for found in read(tmp_path / "raw")] == [b"a\nb"]
