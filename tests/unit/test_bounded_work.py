"""What one message may cost before others get their turn: counted where it can be, timed with a wide margin else."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from elizad.errors import RemoteError
from elizad.protocols.catalogue import Adapter
from elizad.protocols.hume_clm import HumeClm
from elizad.protocols.retell import RetellLlm, RetellOptions
from elizad.protocols.wire import MOST_ENTRIES
from elizad.types import Role, Utterance

MESSAGE_BYTES = 4 * 1024 * 1024
# The worst takes 40 ms on a slow machine, and without the bounds above a second. Other tests may be running beside.
SOON_S = 0.5


def hume(count: int, content: str = "I am sad {very tired, quite anxious}") -> str:
    pair = [{"message": {"role": "user", "content": content}}, {"message": {"role": "assistant", "content": "Go on."}}]
    return json.dumps({"messages": (pair * count)[:count]})


def retell(count: int) -> str:
    words = [{"word": "sad", "start": 0.1, "end": 0.2}] * 5
    entry = {"role": "user", "content": "I am sad", "words": words}
    return json.dumps({"interaction_type": "response_required", "response_id": 1, "transcript": [entry] * count})


def adapters() -> list[tuple[Adapter, Any]]:
    return [(HumeClm(), hume), (RetellLlm(RetellOptions(), "call-1"), retell)]


@pytest.mark.parametrize("which", [0, 1], ids=["hume", "retell"])
def test_the_longest_transcript_is_read_and_a_longer_one_is_refused(which: int) -> None:
    adapter, make = adapters()[which]
    (event,) = adapter.receive(make(MOST_ENTRIES))
    assert len(event.transcript) == MOST_ENTRIES  # type: ignore[union-attr]
    with pytest.raises(RemoteError, match="more than 4000 entries in a transcript") as caught:
        adapters()[which][0].receive(make(MOST_ENTRIES + 1))
    assert caught.value.code == 1009


@pytest.mark.parametrize("which", [0, 1], ids=["hume", "retell"])
def test_two_hours_of_words_are_not_too_many_objects_and_a_flood_is(which: int) -> None:
    adapter, _ = adapters()[which]
    entries = [{"role": "user", "content": "a", "words": [{"word": "a", "start": 1, "end": 2}] * 20}] * 2000
    key = ["messages", "transcript"][which]
    adapter.receive(json.dumps({"interaction_type": "response_required", "response_id": 1, key: entries}))
    flood = "[" + ",".join(["{}"] * 500_000) + "]"
    with pytest.raises(RemoteError, match="more than 100000 objects") as caught:
        adapter.receive(f'{{"interaction_type":"response_required","response_id":2,"{key}":{flood}}}')
    assert caught.value.code == 1009


@pytest.mark.parametrize(
    "text",
    [
        hume(MOST_ENTRIES, "I am sad " * 200 + "{very tired} {Context: {a} {b}}"),
        '[{"role":"user","content":"' + "\\u007b}" * (MESSAGE_BYTES // 7 - 10) + '"}]',
        '[{"role":"user","content":"' + "\\u007b" * 500_000 + "}" * 500_000 + '"}]',
        json.dumps({"messages": [{"role": "user", "content": "a" * MESSAGE_BYTES}]}),
        '{"messages":[],"x":' + "[" * 500 + "1," * (MESSAGE_BYTES // 2 - 1000) + "1" + "]" * 500 + "}",
        '{"messages":[' + "9" * MESSAGE_BYTES + "]}",
    ],
    ids=["longest", "escaped groups", "escaped nest", "one word", "skipped", "a number"],
)
def test_nothing_of_the_greatest_size_takes_long(text: str) -> None:
    start = time.process_time()
    try:
        HumeClm().receive(text)
    except RemoteError:
        pass
    taken = time.process_time() - start
    print(f"{taken * 1000:.1f} ms")
    assert taken < SOON_S


def test_beyond_the_braces_that_anybody_has_all_behind_the_first_is_annotation() -> None:
    (event,) = HumeClm().receive(hume(1, "I am sad " + "{x}" * 10_001))
    assert event.transcript == (Utterance(Role.USER, "I am sad"),)  # type: ignore[union-attr]
    (event,) = HumeClm().receive(hume(1, "I {really} am sad " + "{x}" * 9_000))
    assert event.transcript == (Utterance(Role.USER, "I {really} am sad"),)  # type: ignore[union-attr]
