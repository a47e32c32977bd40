"""Taking up a state that was put away, and what a caller who has called before is greeted with."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.conversation.past import remind, topic_of
from elizad.eliza import FAITHFUL, Eliza, State
from elizad.eliza.resume import Identity, resumed
from elizad.mind import make_eliza
from elizad.service.kept import Kept, pack, unpack
from elizad.speech.spoken import Spoken
from elizad.store.api import Key, SessionRecord
from tests.support.calls import SCRIPT

ELIZA = Eliza(SCRIPT)
LATER = Eliza(SCRIPT + "(NEWER ((0) (IS NEW)))")
OTHER = Eliza(SCRIPT.replace("(MEMORY MY", "(MEMORY I"))
SPOKEN = Eliza(SCRIPT, Spoken())


def state_after(eliza: Eliza, *texts: str) -> State:
    state = eliza.start()
    for text in texts:
        state, _ = eliza.reply(state, text)
    return state


TOLD = state_after(ELIZA, "my sister", "yes", "my boat")


def test_a_state_of_the_same_script_comes_back_as_it_was() -> None:
    assert len(TOLD.memories) == 2
    assert resumed(Eliza(SCRIPT), TOLD, ELIZA.identity) == TOLD


def test_in_a_script_that_has_changed_only_cursors_begin_anew() -> None:
    found = resumed(LATER, TOLD, ELIZA.identity)
    assert found == State(TOLD.limit, LATER.start().cursors, TOLD.memories)
    for text in ("my dog", "yes", "I need rest"):
        LATER.reply(found, text)


@pytest.mark.parametrize("eliza", [OTHER, SPOKEN], ids=["remembers something else", "another mode"])
def test_what_would_not_fit_is_not_remembered(eliza: Eliza) -> None:
    assert resumed(eliza, TOLD, ELIZA.identity) == State(TOLD.limit, eliza.start().cursors, ())


def test_an_identity_is_the_same_in_every_process() -> None:
    assert Eliza(
        "(HI)(NONE ((0) (YES)))(MEMORY MY (0 = A) (0 = B) (0 = C) (0 = D)) (MY ((0) (OH)))"
    ).identity == Identity("Faithful MY", "792a728f82975dc752b16cb552f0fa33")


def test_modes_are_told_apart() -> None:
    assert ELIZA.identity != SPOKEN.identity
    assert ELIZA.faithful
    assert not SPOKEN.faithful
    assert Eliza(SCRIPT, FAITHFUL).identity == ELIZA.identity


CURSORS = st.lists(st.integers(0, 9), max_size=40).map(lambda numbers: array("H", numbers))


@given(st.builds(State, st.integers(-5, 9), CURSORS, st.tuples(st.text())), st.booleans())
def test_whatever_a_damaged_record_holds_a_call_goes_on(state: State, same: bool) -> None:
    made_by = ELIZA.identity if same else Identity("", "")
    found = resumed(ELIZA, state, made_by)
    for text in ("my dog", "yes", "I need rest", "yes", "yes"):
        found, _ = ELIZA.reply(found, text)
    assert ELIZA.reply(found, "I need rest")[1].startswith(("WHAT WOULD REST", "YOU NEED", "WHY DO YOU"))


def test_a_cursor_beyond_the_end_is_none_of_ours() -> None:
    broken = TOLD.cursors[:]
    broken[0] = 99
    assert resumed(ELIZA, TOLD._replace(cursors=broken), ELIZA.identity).cursors == ELIZA.start().cursors


DOCTOR = make_eliza("doctor", "spoken")


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("my mother hates me", "your mother"),
        ("I had a fight with my older Brother", "your older brother"),
        ("it is about my job", "your job"),
        ("my boss fired me", "your boss"),
        ("well, my um my husband left", "your husband"),
        ("my and your mother", ""),
        ("my he mother", ""),
        ("your mother", ""),
        ("my", ""),
        ("my xyzzy is broken", ""),
        ("my father's illness", "your father"),
        ("my pain, mother", "your pain"),
        ("my sick dog is old", "your sick dog"),
        ("my poor Felix", ""),
        ("my work stresses me", ""),
        ("I miss my", ""),
        ("", ""),
    ],
)
def test_what_was_spoken_of(text: str, topic: str) -> None:
    assert topic_of(text, DOCTOR.script.tags) == topic


def test_a_script_without_these_tags_names_nothing() -> None:
    assert topic_of("my mother hates me", ELIZA.script.tags) == ""


@pytest.mark.parametrize(
    ("opening", "greeting"),
    [
        ("Hello, I am Eliza. What is it?", "Hello, I am Eliza. Last time you spoke of your mother. What is it?"),
        ("Hello. I am listening.", "Hello. I am listening. Last time you spoke of your mother."),
        ("How are you?", "Last time you spoke of your mother. How are you?"),
        ("", "Last time you spoke of your mother."),
    ],
)
def test_the_reminder_stands_before_the_question(opening: str, greeting: str) -> None:
    assert remind(opening, "your mother") == greeting


@pytest.mark.parametrize("count", [2, 256, 257, 1000])
def test_a_state_has_room_for_every_reassembly_and_no_more_than_it_needs(count: int) -> None:
    replies = " ".join(f"(N{number})" for number in range(count))
    eliza = Eliza(f"(HI)(NONE ((0) (YES)))(MEMORY MY (0 = A) (0 = B) (0 = C) (0 = D)) (MY ((0) {replies}))")
    state, said = eliza.start(), []
    for _ in range(count + 1):
        before = unpacked(eliza, state)  # as if each call were a new one
        state, reply = eliza.reply(before, "my")
        said.append(reply)
    assert said == [f"N{number}" for number in range(count)] + ["N0"]
    assert len(state.cursors.tobytes()) == (1 if count <= 256 else 2), "NONE has one reply and takes no turns"


def unpacked(eliza: Eliza, state: State) -> State:
    record = SessionRecord(Key("hume", "ann"), 1, 1.0, pack(Kept(eliza.identity, state)))
    return resumed(eliza, unpack(record).state, eliza.identity)
