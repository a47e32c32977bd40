"""Who may come in as EVI's client: keys, access tokens, and who is on this machine."""

from __future__ import annotations

import base64
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.evi.keys import Keys
from elizad.net.addresses import Peer
from elizad.net.admission import Route, admit, find_route
from elizad.net.errors import Refusal
from elizad.net.head import Head

KEY, SECRET = "key-of-mine", "secret-of-mine"
HERE = ipaddress.ip_address("127.0.0.1")
THERE = ipaddress.ip_address("192.0.2.7")
LOCAL = (("host", "127.0.0.1:8765"),)


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def head(query: str = "", *headers: tuple[str, str], method: str = "GET") -> Head:
    return Head(method, "/v0/evi/chat", query, headers=headers)


def basic(text: str) -> tuple[str, str]:
    return "authorization", "Basic " + base64.b64encode(text.encode()).decode()


def status(keys: Keys, request: Head, peer: Peer = THERE) -> int | None:
    try:
        keys.admit(request, peer)
    except Refusal as refusal:
        assert KEY not in refusal.reason
        return refusal.status
    return None


def token_for(keys: Keys, request: Head, peer: Peer) -> str:
    keys.admit_to_issue(request, peer)
    return keys.issue(request)


KEYS = Keys([f"{KEY}:{SECRET}", "second-key"])


@pytest.mark.parametrize(
    "request_",
    [
        *(head(f"{name}={KEY}") for name in ("apiKey", "api_key", "accessToken", "access_token")),
        head("config_id=x&api_key=second-key"),
        head("", ("x-hume-api-key", KEY)),
        head("", ("authorization", f"Bearer {KEY}")),
        head("", ("authorization", f"bearer  {KEY} ")),
        head("apiKey=&accessToken=" + KEY),
        head("api_key=wrong-one", ("x-hume-api-key", KEY)),
        head("api_key=key%2Dof%2Dmine"),
    ],
    ids=lambda request: request.query or str(request.headers),
)
def test_a_key_is_taken_wherever_a_program_puts_it(request_):
    assert status(KEYS, request_) is None
    assert status(KEYS, request_, HERE) is None


@pytest.mark.parametrize(
    "request_",
    [
        head(),
        head("", *LOCAL),
        head("apikey=" + KEY),
        head("token=" + KEY),
        head("api_key="),
        head("api_key=" + KEY.upper()),
        head("api_key=" + SECRET),
        head(f"api_key={KEY}:{SECRET}"),
        head("api_key=%FF%00"),
        head("", ("x-hume-api-key", KEY + "x")),
        head("", ("authorization", KEY)),
        head("", basic(f"{KEY}:{SECRET}")),
        head("access_token=ea1.9999999999." + "0" * 32 + "." + "0" * 64),
    ],
    ids=lambda request: request.query or str(request.headers),
)
def test_nothing_else_is_even_on_this_machine(request_):
    assert status(KEYS, request_) == 401
    assert status(KEYS, request_, HERE) == 401


def test_an_access_token_is_taken_until_it_ends_by_every_daemon_with_the_key_and_by_no_other():
    clock = Clock()
    keys = Keys([f"{KEY}:{SECRET}"], token_s=1800, clock=clock)
    token = token_for(keys, head("", basic(f"{KEY}:{SECRET}")), THERE)
    assert KEY not in token
    assert SECRET not in token
    assert token != token_for(keys, head("", basic(f"{KEY}:{SECRET}")), THERE)
    after_restart = Keys(["other-key:other-secret", f"{KEY}:{SECRET}"], clock=clock)
    for request in (head(f"accessToken={token}"), head("", ("authorization", f"Bearer {token}"))):
        assert status(keys, request) is None
        assert status(after_restart, request) is None
        for others in (["other-key:other-secret"], [KEY], [f"{KEY}:another-secret"], [f"another-key:{SECRET}"]):
            assert status(Keys(others, clock=clock), request) == 401
    _, until, nonce, mac = token.split(".")
    for forged in (f"ea1.{int(until) + 1}.{nonce}.{mac}", f"ea1.{until}.{'0' * 32}.{mac}", token + "0", token.upper()):
        assert status(keys, head(f"accessToken={forged}")) == 401
    clock.now += 1799
    assert status(keys, head(f"accessToken={token}")) is None
    clock.now += 1
    assert status(keys, head(f"accessToken={token}")) == 401


@pytest.mark.parametrize(
    "header",
    [
        None,
        basic(f"{KEY}:"),
        basic(KEY),
        basic(f"{KEY}:wrong-secret"),
        basic(f"wrong-key:{SECRET}"),
        basic("second-key:"),
        basic("second-key:second-key"),
        basic(f"{KEY}:{SECRET}x"),
        ("authorization", "Basic !!!"),
        ("authorization", f"Bearer {KEY}"),
        ("x-hume-api-key", KEY),
    ],
)
def test_a_token_is_only_given_for_a_key_with_its_secret(header):
    request = head("", *([header] if header else []), *LOCAL)
    with pytest.raises(Refusal) as caught:
        token_for(KEYS, request, HERE)
    assert caught.value.status == 401
    are_credentials = header is not None and header in (
        basic(f"{KEY}:"),
        basic(f"{KEY}:wrong-secret"),
        basic(f"wrong-key:{SECRET}"),
        basic("second-key:"),
        basic("second-key:second-key"),
        basic(f"{KEY}:{SECRET}x"),
    )
    words = "this API key and secret are not accepted" if are_credentials else "are needed"
    assert caught.value.reason.endswith(words)
    assert "key" in caught.value.reason
    assert KEY not in caught.value.reason


@pytest.mark.parametrize("peer", [HERE, ipaddress.ip_address("::1"), ipaddress.ip_address("127.9.9.9"), "unix"])
@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8765", "127.0.0.1:1", "[::1]:8765", "a.localhost", "localhost.", "127.1.2.3"]
)
def test_without_keys_this_machine_comes_in_with_any_key_or_none(peer, host):
    keys = Keys()
    for origin in ([], [("origin", "http://localhost:3000")], [("origin", "https://127.0.0.1")]):
        for query in ("", "api_key=whatever"):
            assert status(keys, head(query, ("host", host), *origin), peer) is None
    assert token_for(keys, head("", ("host", host), basic("any:thing")), peer).startswith("ea1.")


@pytest.mark.parametrize(
    ("request_", "peer"),
    [
        (head("", *LOCAL), THERE),
        (head("", *LOCAL), ipaddress.ip_address("10.0.0.1")),
        (head("", *LOCAL), "unknown"),
        (head("api_key=" + KEY, *LOCAL), THERE),
        *((head("", *LOCAL, (name, "x")), HERE) for name in ("x-forwarded-for", "forwarded", "via", "x-real-ip")),
        (head("", *LOCAL, ("x-forwarded-for", "127.0.0.1")), HERE),
        (head("", *LOCAL, ("x-forwarded-for", "")), HERE),
        *(
            (head("", ("host", host)), HERE)
            for host in ("example.com", "localhost.example.com", "192.0.2.1", "", "127.0.0.1.nip.io", "a@localhost")
        ),
        (head(), HERE),
        (head("", *LOCAL, ("host", "localhost")), HERE),
        *(
            (head("", *LOCAL, ("origin", origin)), HERE)
            for origin in ("https://example.com", "null", "http://localhost.example.com", "file://", "http://[", "x")
        ),
        (head("", *LOCAL, ("origin", "http://localhost"), ("origin", "https://example.com")), HERE),
    ],
)
def test_without_keys_nobody_else_comes_in(request_, peer):
    assert status(Keys(), request_, peer) == 401
    with pytest.raises(Refusal) as caught:
        token_for(Keys(), Head("POST", "/", "", headers=(*request_.headers, basic("any:thing"))), peer)
    assert caught.value.status == 401
    assert "on this machine only" in caught.value.reason


def test_pages_that_are_listed_come_in_and_with_keys_and_no_list_any():
    page, other, own = (
        ("origin", text) for text in ("https://a.example", "https://b.example", "http://localhost:5173")
    )
    for keys, peer in ((Keys(origins=["https://a.example"]), HERE), (Keys([KEY], ["https://a.example"]), THERE)):
        assert status(keys, head(f"api_key={KEY}", *LOCAL, page), peer) is None
        assert status(keys, head(f"api_key={KEY}", *LOCAL, own), peer) is None
        assert status(keys, head(f"api_key={KEY}", *LOCAL, other), peer) == (401 if peer == HERE else 403)
    assert status(KEYS, head(f"api_key={KEY}", page)) is None
    assert status(KEYS, head("api_key=wrong", page)) == 401


def test_a_route_asks_its_keeper_with_who_is_connected_and_not_with_whom_he_speaks_for():
    routes = [Route("evi", "/v0/evi/chat", keeper=Keys().admit)]
    request = head("", *LOCAL)
    admit(find_route(routes, request), request, THERE, HERE)
    with pytest.raises(Refusal, match="401"):
        admit(find_route(routes, request), request, HERE, THERE)
    with pytest.raises(Refusal, match="401"):
        admit(find_route(routes, request), request, HERE)


ASCII = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60)
NAMES = st.sampled_from(["authorization", "x-hume-api-key", "host", "origin", "via", "cookie"])


@given(ASCII, st.lists(st.tuples(NAMES, ASCII), max_size=4), st.sampled_from([HERE, THERE, "unix", "unknown"]))
def test_any_head_is_let_in_or_refused(query, headers, peer):
    request = head(query, *headers)
    for keys in (Keys(), KEYS, Keys(origins=["https://a.example"])):
        assert status(keys, request, peer) in (None, 401, 403)
        try:
            token_for(keys, request, peer)
        except Refusal as refusal:
            assert refusal.status in (401, 403)
