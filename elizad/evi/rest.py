"""The HTTP calls that programs make round a chat: configs, chats, chat groups, and access tokens.

Whatever a program sends, it gets JSON, and for its own mistakes a 4xx that the SDKs do not try again: never 409, 429
or 5xx. What is logged of a request is the call, not its ids, query or body.
"""

from __future__ import annotations

import http
import logging
import re
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from elizad.errors import StoreError
from elizad.evi.asking import BadRequest, Query, segments_of, whole_number
from elizad.evi.config_checks import BadSpec
from elizad.evi.configs import Configs, Missing, Refused, Shown
from elizad.evi.history import History, Unknown
from elizad.evi.ways import PREFIX, TOKEN_PATH, Admission
from elizad.net.addresses import Peer
from elizad.net.errors import Refusal
from elizad.net.head import Head
from elizad.net.http import Answer, Ask

log = logging.getLogger("elizad.evi")

JSON: Final = "application/json"

_REQUESTED_HEADERS: Final = re.compile(r"[A-Za-z0-9-]+(?: *, *[A-Za-z0-9-]+){0,63}")
_PREFLIGHT_S: Final = 600  # for which a browser need not ask again; what it may do changes with a reload

_METHODS: Final = ("GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS")

_NO_RECORDINGS: Final = "no recordings are kept here"
_NOT_SERVED: Final = "nothing is served at this path"


class _Request(NamedTuple):
    """A call, taken apart."""

    head: Head
    ids: list[str]
    query: Query
    body: bytes

    def json(self) -> object:
        """Raises: BadRequest."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise BadRequest("the body is not JSON") from None

    def number(self, place: int) -> int:
        """The number of a version. Raises: Missing."""
        number = whole_number(self.ids[place])
        if number is None:
            raise Missing
        return number


_Do = Callable[[_Request], Awaitable[Answer]]


class Rest:
    """A Site. Made once for a daemon; `admission` says what holds now."""

    body_bytes: Final = 262_144  # four times the longest config that is kept
    body_timeout_s: Final = 10.0  # for 256 KiB over a bad line

    def __init__(self, admission: Callable[[], Admission], configs: Configs, history: History) -> None:
        self._admission = admission
        self._configs = configs
        self._history = history
        # "*" stands for an id. What is written first is tried first.
        self._calls: dict[tuple[str, ...], dict[str, _Do]] = {
            ("configs",): {"GET": self._list_configs, "POST": self._make_config},
            ("configs", "*"): {
                "GET": self._list_versions,
                "POST": self._add_version,
                "PATCH": self._rename_config,
                "DELETE": self._delete_config,
            },
            ("configs", "*", "version", "*"): {
                "GET": self._get_version,
                "PATCH": self._describe_version,
                "DELETE": self._delete_version,
            },
            ("chats",): {"GET": self._list_chats},
            ("chats", "*"): {"GET": self._get_chat},
            ("chats", "*", "audio"): {"GET": self._no_audio},
            ("chat_groups",): {"GET": self._list_groups},
            ("chat_groups", "*"): {"GET": self._get_group},
            ("chat_groups", "*", "events"): {"GET": self._get_group_events},
            ("chat_groups", "*", "audio"): {"GET": self._no_audio},
        }

    # -- the site ------------------------------------------------------------------------------------------------

    def covers(self, path: str) -> bool:
        """See net.http.Site."""
        return self._admission().covers(path)

    def admit(self, head: Head, client: Peer, peer: Peer) -> None:
        """See net.http.Site. A browser's question whether it may ask comes without credentials."""
        keys, allow_from, _ = self._admission()
        if allow_from and client not in allow_from:
            raise Refusal(403, "this address is not accepted here")
        if head.method == "OPTIONS":
            return
        if head.path == TOKEN_PATH:
            keys.admit_to_issue(head, peer)  # here, so that nobody's body is read whose credentials are wrong
        else:
            keys.admit(head, peer)

    def headers(self, head: Head) -> Sequence[tuple[str, str]]:
        """See net.http.Site. Pages that may ask may also read what they are answered."""
        origin = head.header("origin")
        if origin is None:
            return ()
        welcome = self._admission().keys.is_welcome(origin)
        return (("Access-Control-Allow-Origin", origin), ("Vary", "Origin")) if welcome else (("Vary", "Origin"),)

    def refuse(self, refusal: Refusal) -> Answer:
        """See net.http.Site."""
        return _problem(refusal.status, refusal.reason, refusal.headers)

    async def answer(self, ask: Ask) -> Answer:
        """See net.http.Site."""
        head = ask.head
        method = "GET" if head.method == "HEAD" else head.method
        call, does, ids = self._find(head.path)
        if does is None:
            answer = _problem(404, _NOT_SERVED)
        elif method == "OPTIONS":
            answer = _preflight(head, does)
        elif method not in does:
            answer = _problem(405, "this method is not understood here", (("Allow", ", ".join(sorted(does))),))
        else:
            answer = await _answered(does[method], _Request(head, ids, Query(head.query), ask.body))
        method = method if method in _METHODS else "another method"  # the client chose it
        fields = {"conn": ask.conn, "peer": ask.peer, "call": f"{method} {call}", "status": answer.status}
        log.info("request answered", extra={"fields": fields})
        return answer

    def _find(self, path: str) -> tuple[str, Mapping[str, _Do] | None, list[str]]:
        """Return a call's name, what it can do, and the ids in its path."""
        if path == TOKEN_PATH:
            return "token", {"POST": self._token}, []
        segments = segments_of(path.removeprefix(PREFIX)) or []
        for pattern, does in self._calls.items():
            if len(pattern) == len(segments) and all(
                wanted in ("*", there) for wanted, there in zip(pattern, segments, strict=True)
            ):
                ids = [there for wanted, there in zip(pattern, segments, strict=True) if wanted == "*"]
                return "/".join(pattern), does, ids
        return "nothing", None, []

    # -- configs -------------------------------------------------------------------------------------------------

    async def _list_configs(self, request: _Request) -> Answer:
        page, name = request.query.page(), request.query.text("name")
        newest = request.query.truth("restrict_to_most_recent", usual=True)
        rows: list[Shown] = []
        for versions in await self._configs.every():
            rows += [shown for shown in (versions[:1] if newest else versions) if name in (None, shown.name)]
        return _json(200, _config_page(request.query, rows, page.cut(rows)))

    async def _make_config(self, request: _Request) -> Answer:
        return _json(201, (await self._configs.make(request.json())).body)

    async def _list_versions(self, request: _Request) -> Answer:
        rows = await self._configs.versions(request.ids[0])
        if request.query.truth("restrict_to_most_recent", usual=True):
            rows = rows[:1]
        return _json(200, _config_page(request.query, rows, request.query.page().cut(rows)))

    async def _add_version(self, request: _Request) -> Answer:
        return _json(201, (await self._configs.add_version(request.ids[0], request.json())).body)

    async def _rename_config(self, request: _Request) -> Answer:
        await self._configs.rename(request.ids[0], request.json())
        return Answer(200)  # a text to the SDKs, and an empty one is to the taste of all

    async def _delete_config(self, request: _Request) -> Answer:
        await self._configs.delete(request.ids[0])
        return Answer(204)

    async def _get_version(self, request: _Request) -> Answer:
        number = request.number(1)
        rows = await self._configs.versions(request.ids[0])
        found = [shown.body for shown in rows if shown.body["version"] == number]
        if not found:
            raise Missing
        return _json(200, found[0])

    async def _describe_version(self, request: _Request) -> Answer:
        shown = await self._configs.describe(request.ids[0], request.number(1), request.json())
        return _json(200, shown.body)

    async def _delete_version(self, request: _Request) -> Answer:
        await self._configs.delete(request.ids[0], request.number(1))
        return Answer(204)

    # -- chats ---------------------------------------------------------------------------------------------------

    async def _list_chats(self, request: _Request) -> Answer:
        return _json(200, await self._history.chats(request.query))

    async def _get_chat(self, request: _Request) -> Answer:
        return _json(200, await self._history.chat(request.ids[0], request.query))

    async def _list_groups(self, request: _Request) -> Answer:
        return _json(200, await self._history.groups(request.query))

    async def _get_group(self, request: _Request) -> Answer:
        return _json(200, await self._history.group(request.ids[0], request.query))

    async def _get_group_events(self, request: _Request) -> Answer:
        return _json(200, await self._history.group_events(request.ids[0], request.query))

    async def _no_audio(self, request: _Request) -> Answer:
        return _problem(404, _NO_RECORDINGS)

    # -- tokens --------------------------------------------------------------------------------------------------

    async def _token(self, request: _Request) -> Answer:
        form = dict(urllib.parse.parse_qsl(request.body.decode("ascii", "replace"), errors="replace"))
        if form.get("grant_type") != "client_credentials":
            raise BadRequest("the body must be a form with grant_type=client_credentials")
        keys = self._admission().keys
        token = {"access_token": keys.issue(request.head), "token_type": "Bearer", "expires_in": int(keys.token_s)}
        return _json(200, token, (("Cache-Control", "no-store"),))  # RFC 6749 section 5.1


async def _answered(do: _Do, request: _Request) -> Answer:
    try:
        return await do(request)
    except (BadRequest, BadSpec, Refused) as wrong:
        return _problem(400, str(wrong))
    except Missing:
        return _problem(404, "there is no config with this id and version")
    except Unknown:
        return _problem(404, "there is no chat or chat group with this id")
    except StoreError:
        return _problem(503, "the store cannot be used just now", (("Retry-After", "5"),))


def _config_page(query: Query, rows: Sequence[Shown], cut: Sequence[Shown]) -> dict[str, Any]:
    return query.page().around("configs_page", [shown.body for shown in cut], len(rows), directed=False)


def _preflight(head: Head, does: Mapping[str, _Do]) -> Answer:
    """Return the answer to a browser that asks whether its page may ask (Fetch standard, CORS-preflight request)."""
    methods = ", ".join(sorted({*does, "OPTIONS"}))
    wanted = head.header("access-control-request-headers") or ""
    headers = [("Allow", methods), ("Access-Control-Allow-Methods", methods)]
    if _REQUESTED_HEADERS.fullmatch(wanted):
        headers.append(("Access-Control-Allow-Headers", wanted))
    return Answer(204, headers=(*headers, ("Access-Control-Max-Age", str(_PREFLIGHT_S))))


def _json(status: int, body: Mapping[str, Any], headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status, msgspec.json.encode(body), JSON, headers)


def _problem(status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An error as the SDKs read it: three strings."""
    phrase = http.HTTPStatus(status).phrase
    body = {"code": phrase.lower().replace(" ", "_"), "error": phrase, "message": message}
    return _json(status, body, headers)
