import pytest

from vgate.workers.url import host_and_port, normal


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://a:8000", "http://a:8000"),
        ("HTTP://GPU.example/", "http://gpu.example"),
        ("http://a:80", "http://a"),
        ("https://a:443/v1", "https://a"),
        ("https://a:80", "https://a:80"),
        ("http://a:8000/v1/", "http://a:8000"),
        ("https://a/team/vllm/v1", "https://a/team/vllm"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://abc123-8000.proxy.runpod.net", "https://abc123-8000.proxy.runpod.net"),
    ],
)
def test_one_server_has_one_spelling(given: str, kept: str) -> None:
    assert normal(given) == kept == normal(kept)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("a:8000", "must begin with http:// or https://"),
        ("", "must begin with"),
        ("ftp://a", "must begin with"),
        ("http://", "must name a host"),
        ("http://:8000", "must name a host"),
        ("http://a b", "must name a host"),
        ("http://a\n:1", "must name a host"),
        ("http://a:0", "the port must be from 1 to 65535"),
        ("http://a:70000", "the port must be from 1 to 65535"),
        ("http://a:x", "the port must be from 1 to 65535"),
        ("http://u:secret@a", "must not have a user or password"),
        ("http://a?key=secret", "must end with the path"),
        ("http://a/#x", "must end with the path"),
        ("http://[::1", "must be a URL"),
    ],
)
def test_what_is_no_server_is_refused_in_one_line(given: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as error:
        normal(given)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_dns_name_and_a_port() -> None:
    assert host_and_port("vllm.default.svc:8000") == "vllm.default.svc:8000"
    for wrong in ("vllm", "vllm:", ":1", "http://vllm:1", "vllm:0", "vllm:99999", "a b:1", "vllm:1/x"):
        with pytest.raises(ValueError, match="must be"):
            host_and_port(wrong)
