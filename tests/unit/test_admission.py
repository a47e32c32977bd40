"""Routes, addresses, origins and tokens: what is served to whom, and that no message holds a secret."""

from __future__ import annotations

import ipaddress

import pytest

from elizad.net.addresses import Peer, Sources
from elizad.net.admission import Route, admit, find_route
from elizad.net.errors import Refusal
from elizad.net.head import Head

OPEN = Route("hume", "/llm")
CLOSED = Route("guarded", "/guarded", tokens=("alpha", "beta"))
TAILED = Route("retell", "/retell", has_tail=True)
BOTH = Route("both", "/both", tokens=("alpha",), has_tail=True)
ROUTES = (OPEN, CLOSED, TAILED, BOTH, Route("root", "/"))


def head(path: str, query: str = "", **headers: str) -> Head:
    return Head("GET", path, query, headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()))


def outcome(request: Head) -> str | int:
    """The name of the route, or the status of the refusal."""
    try:
        found = find_route(ROUTES, request)
        admit(found, request, "unknown")
    except Refusal as refusal:
        return refusal.status
    return found.route.name


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/llm", "hume"),
        ("/", "root"),
        ("/llm/", 404),
        ("/llm/x", 404),
        ("/LLM", 404),
        ("/%6clm", 404),
        ("//llm", 404),
        ("/llm/../llm", 404),
        ("/nothing", 404),
        ("/retell/call-1", "retell"),
        ("/retell", 404),
        ("/retell/", 404),
        ("/retell/a/b", 404),
    ],
)
def test_paths(path: str, expected: str | int) -> None:
    assert outcome(head(path)) == expected


def test_a_tail_is_decoded() -> None:
    assert find_route(ROUTES, head("/retell/call%201")).tail == "call 1"
    assert find_route(ROUTES, head("/both/alpha/call%ff")).tail == "call\ufffd"


@pytest.mark.parametrize(
    ("request_head", "expected"),
    [
        (head("/guarded"), 401),
        (head("/guarded", "token="), 401),
        (head("/guarded", "other=alpha"), 401),
        (head("/guarded", authorization="Basic alpha"), 401),
        (head("/guarded", "token=gamma"), 403),
        (head("/guarded", "token=alph"), 403),
        (head("/guarded", "token=%ff"), 403),
        (head("/guarded/gamma"), 403),
        (head("/guarded", authorization="Bearer gamma"), 403),
        (head("/guarded", "token=alpha"), "guarded"),
        (head("/guarded", "a=b&token=bet%61"), "guarded"),
        (head("/guarded", authorization="Bearer beta"), "guarded"),
        (head("/guarded", authorization="bearer  beta"), "guarded"),
        (head("/guarded/alpha"), "guarded"),
        (head("/guarded", "token=gamma", authorization="Bearer alpha"), "guarded"),
        (head("/guarded/alpha/x"), 404),
        (head("/both/call-1"), 401),
        (head("/both/alpha/call-1"), "both"),
        (head("/both/call-1", "token=alpha"), "both"),
        (head("/both/gamma/call-1"), 403),
        (head("/llm", "token=whatever"), "hume"),
    ],
    ids=lambda value: f"{value.path}?{value.query}" if isinstance(value, Head) else str(value),
)
def test_tokens(request_head: Head, expected: str | int) -> None:
    assert outcome(request_head) == expected


def test_platforms_that_name_their_token_otherwise() -> None:
    route = Route("evi", "/evi", tokens=("alpha",), token_params=("api_key",), token_headers=("x-hume-api-key",))

    def let_in(request: Head) -> bool:
        try:
            admit(find_route([route], request), request, "unknown")
        except Refusal:
            return False
        return True

    assert let_in(head("/evi", "api_key=alpha"))
    assert let_in(head("/evi", x_hume_api_key="alpha"))
    assert not let_in(head("/evi", "token=alpha"))


def test_no_secret_in_repr_or_refusal() -> None:
    assert "alpha" not in repr(CLOSED)
    assert "hush" not in repr(find_route(ROUTES, head("/guarded/hush")))
    with pytest.raises(Refusal) as caught:
        admit(find_route(ROUTES, head("/guarded/hush")), head("/guarded/hush"), "unknown")
    assert "hush" not in str(caught.value)


def test_the_refusal_says_which_scheme() -> None:
    with pytest.raises(Refusal) as caught:
        admit(find_route(ROUTES, head("/guarded")), head("/guarded"), "unknown")
    assert caught.value.headers == (("WWW-Authenticate", "Bearer"),)


RETELL = Route("retell", "/retell", tokens=("alpha",), allow_from=Sources(["100.20.5.228", "unix"]))


@pytest.mark.parametrize(
    ("client", "token", "status"),
    [
        ("100.20.5.228", "alpha", None),
        ("100.20.5.228", "gamma", 403),
        ("100.20.5.229", "alpha", 403),
        ("2001:db8::1", "alpha", 403),
        ("unix", "alpha", None),
        ("unknown", "alpha", 403),
    ],
)
def test_addresses(client: str, token: str, status: int | None) -> None:
    peer: Peer = client if client in ("unix", "unknown") else ipaddress.ip_address(client)  # type: ignore[assignment]
    request = head("/retell", f"token={token}")
    if status is None:
        admit(find_route([RETELL], request), request, peer)
        return
    with pytest.raises(Refusal) as caught:
        admit(find_route([RETELL], request), request, peer)
    assert caught.value.status == status
    assert ("address" in caught.value.reason) == (token == "alpha")


@pytest.mark.parametrize(
    ("origins", "admitted"),
    [
        ((), True),
        (("https://example.com",), True),
        (("https://example.com:8443",), False),
        (("http://example.com",), False),
        (("https://EXAMPLE.com",), False),
        (("https://example.com.evil.test",), False),
        (("null",), False),
        (("",), False),
        (("https://example.com", "https://evil.test"), False),
    ],
)
def test_origins(origins: tuple[str, ...], admitted: bool) -> None:
    route = Route("hume", "/llm", origins=("https://example.com", "https://example.org"))
    request = Head("GET", "/llm", headers=tuple(("origin", origin) for origin in origins))
    if admitted:
        admit(find_route([route], request), request, "unknown")
        return
    with pytest.raises(Refusal, match="403 pages of this origin are not accepted here"):
        admit(find_route([route], request), request, "unknown")
