"""What clients and keys are called stays text, and the numbers stay behind the token."""

import re

import httpx

from tests.admin_port import TOKEN, Live
from tests.dashboard.watching import HOSTILE_ID, HOSTILE_KEY, ODD_KEYS, Watched


def test_the_numbers_are_behind_the_token_and_hold_no_prompt(live: Live) -> None:
    prompt, key = "what nobody may read", {"Authorization": "Bearer sk-a"}
    body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": 2}
    for extra in ({}, {"n": prompt}, {prompt: 1}):
        httpx.post(f"{live.base_url}/v1/chat/completions", json={**body, **extra}, headers=key)
    assert httpx.get(f"{live.admin_url}/dashboard").status_code == 200
    for headers in ({}, {"Authorization": "Bearer sk-a"}, {"Authorization": TOKEN}):
        assert httpx.get(f"{live.admin_url}/dashboard/data", headers=headers).status_code == 401
    data = httpx.get(f"{live.admin_url}/dashboard/data", headers={"Authorization": f"Bearer {TOKEN}"})
    assert "400" in data.json()["recent"]["requests"]["by_status"]
    assert prompt not in data.text
    for path in ("/dashboard", "/dashboard/data"):
        assert httpx.get(f"{live.base_url}{path}", headers=key).status_code == 404


def test_hostile_names_stay_text(watched: Watched) -> None:
    watched.wait(f"document.getElementById('failed').textContent.includes({HOSTILE_ID!r})")
    assert HOSTILE_KEY in watched.page.inner_text("#keys")
    assert watched.page.locator("main img, main script, main b > *").count() == 0


def test_odd_names_are_names_like_others(watched: Watched) -> None:
    """As is one whose limit is used up, which is told by a word and not by a colour alone."""
    rows = watched.page.evaluate(
        "[...document.querySelectorAll('#keys tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    found = {row[0]: row[5] for row in rows}
    assert {found[name] for name in ODD_KEYS} == {"0 of 60"}
    watched.wait("document.querySelector('#keys .full') !== null")
    assert watched.page.inner_text("#keys .full").strip() == "3 of 3"
    told = watched.page.inner_text("#limiter")
    assert re.fullmatch(r"Limiter: [\d,]+ allowed, [\d,]+ over a limit of requests\.", told)
