"""The spoken diction under ELIZA: what holds for every reply to any talk."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from elizad.eliza import Diction, Eliza, scripts
from elizad.speech.spoken import Spoken
from tests.support.everyday import sentences, talk

# Says whole clauses back, which is the most that a script can ask of the diction.
ECHO = """
(Hello. what is it?)
START
(ME = YOU) (MINE = YOURS) (MYSELF = YOURSELF) (YOURS = MINE) (YOURSELF = MYSELF) (AM = ARE) (WHY = WHEREFORE)
(I = YOU ((0) (So 1.) (Is it that 1?) (PRE (YOU know THAT 1) (=ECHOED))))
(YOU = I ((0) (1?) (You say 1 , then ?)))
(MY = YOUR 2 ((0 YOUR 1 0) (Your 3 4 ?)) ((0) (=ECHOED)))
(YOUR = MY 2 ((0) (And 1 ,)))
(ECHOED ((0) (1 .)))
(QUIET ((NEVER) (x)))
(NONE ((1 0) (I heard 1 2 .)) ((0) ()))
(MEMORY MY (0 YOUR 1 0 = Earlier your 3 4 .) (0 YOUR 1 0 = Before your 3 4 .)
  (0 YOUR 1 0 = Earlier your 3 4 .) (0 YOUR 1 0 = Earlier your 3 4 .))
"""
# The same in the fashion of 1966: capitals, and no end marks.
CAPITALS = """
(HOW DO YOU DO. WHAT IS IT)
START
(I = YOU ((0) (WHY DO YOU TELL ME THAT 1) (I'M NOT SURE THAT 1 , REALLY)))
(MY = YOUR ((0) (YOUR 1)))
(NONE ((0) (I SEE) (WHAT DOES THAT SUGGEST TO YOU)))
(MEMORY MY (0 = YOUR 1) (0 = YOUR 1) (0 = YOUR 1) (0 = YOUR 1))
"""

# What no clause of tests/support/everyday.py comes back with, whatever stands beside it.
WRONG_PRONOUNS = re.compile(
    r"\b(?:to|of|from|with|about|than|hates|told|forgive|see|at) I\b(?! (?:was|am|told))|"
    r"\bI (?:are|is|has|were)\b|(?<!about )\byou (?:am|is|was|has)\b|\b(?:me|him|them) am\b|"
    r"\b(?:my|your) (?:am|are|was|were)\b|\b(?:am|was) you\b|\bare I\b|\byou 'm\b",
    re.IGNORECASE,
)
NOT_SHOUTED = {"I", "NASA", "TV"}


def conversation(eliza: Eliza, *utterances: str) -> list[str]:
    state = eliza.start()
    replies = []
    for utterance in utterances:
        state, reply = eliza.reply(state, utterance)
        replies.append(reply)
    return replies


@pytest.fixture(scope="module")
def echo() -> Eliza:
    return Eliza(ECHO, Spoken())


def test_satisfies_the_protocol() -> None:
    diction: Diction = Spoken()
    assert diction.max_memories == 8
    assert len(set(diction.messages)) == 4
    for message in diction.messages:
        assert diction.utter(message.split()) == message


def test_what_the_caller_says_comes_back(echo: Eliza) -> None:
    assert echo.opening == "Hello. What is it?"
    assert conversation(
        echo,
        "I gave my friend Anna in Paris 2 books.",
        "um you are NOT listening to me you know",
        "your voice is nice",
        "MY BOSS AT NASA HATES ME!!!",
        "I told you that I was sad",
        "you said you would help me; why?",
        "...",
        "Is it half past 3.30, Dr. Lee?",
    ) == [
        "Your friend Anna in Paris two books?",
        "I am not listening to you?",
        "And my voice is nice.",
        "Your boss at NASA hates you?",
        "So you told me that you were sad.",
        "You say I said I would help you, then?",
        "Earlier your friend Anna in Paris two books.",
        "I heard Doctor Lee.",
    ]


def test_numbers_are_left_as_digits_when_asked(echo: Eliza) -> None:
    assert conversation(Eliza(ECHO, Spoken(spell_numbers=False)), "I owe Dr. Lee $120") == ["So you owe Dr. Lee $120."]
    assert conversation(echo, "I owe Dr. Lee $120") == ["So you owe Doctor Lee one hundred and twenty dollars."]


def test_memories_are_prose_and_the_oldest_goes() -> None:
    eliza = Eliza(ECHO, Spoken())
    state = eliza.start()
    for number in range(12):
        state, _ = eliza.reply(state, f"my dog {number}")
    assert len(state.memories) == 8
    assert state.memories[0] == "Earlier your dog four."


def test_what_a_rule_cannot_answer_gets_a_message() -> None:
    assert conversation(Eliza(ECHO, Spoken()), "quiet", "quiet")[1] in Spoken().messages


def test_what_PRE_writes_is_said_as_prose(echo: Eliza) -> None:  # noqa: N802
    assert conversation(echo, "I am sad", "I am sad", "I am sad")[2] == "You know that you are sad."


def test_a_script_in_capitals_does_not_shout() -> None:
    eliza = Eliza(CAPITALS, Spoken())
    assert eliza.opening == "How do you do. What is it?"
    assert conversation(eliza, "i hate Anna", "I love you", "x", "y") == [
        "Why do you tell me that you hate Anna?",
        "I'm not sure that you love me, really.",
        "I see.",
        "What does that suggest to you?",
    ]


def test_the_same_scripts_work_in_1966_mode() -> None:
    assert conversation(Eliza(ECHO), "i am sad") == ["SO YOU ARE SAD ."]


LONG_TALK = " ".join(["i went to the shop and then i saw my brother who told me that you never listen"] * 12)


def test_a_long_tale_is_not_said_back_whole(echo: Eliza) -> None:
    (reply,) = conversation(echo, "i was " + LONG_TALK)
    assert len(reply.split()) < 25


def check(reply: str) -> None:
    assert reply.endswith((".", "?", "!", "…")), reply
    assert reply == " ".join(reply.split()), reply
    assert not re.search(r" [,.?!;:…](?!\w)|[,;:][.?!…]", reply), reply
    assert not any(char.isdecimal() for char in reply), reply
    assert not reply[0].islower() or reply[0] == reply[0].upper(), reply  # "º" has no capital


def packaged() -> list[str]:
    return [ECHO, CAPITALS, *(scripts.read(name) for name in scripts.names())]


@pytest.fixture(scope="module")
def elizas() -> list[Eliza]:
    return [Eliza(source, Spoken()) for source in packaged()]


@given(st.lists(talk(), min_size=1, max_size=4))
@example(["I HATE MY BOSS AND YOU HATE HIM", "um", "why are you like my mother 's"])
def test_any_talk_is_answered_in_prose(elizas: list[Eliza], utterances: list[str]) -> None:
    for eliza in elizas:
        for reply in conversation(eliza, *utterances):
            check(reply)
            loud = [word for word in re.findall(r"[^\W\d_]{2,}", reply) if word.isupper()]
            assert set(loud) <= NOT_SHOUTED | {"HELP"}, reply


@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
@example(["\x1e\x1e you are \x1e"])
@example(["I ²³ ٣ 四 Ⅷ ½"])
@example(["I " + "and " * 40])
@example(["ß I ŉ"])
@example(["º*U"])
def test_any_text_is_answered_in_prose(elizas: list[Eliza], utterances: list[str]) -> None:
    for eliza in elizas:
        for reply in conversation(eliza, *utterances):
            check(reply)


@given(sentences())
def test_no_wrong_pronoun_comes_back(echo: Eliza, utterance: str) -> None:
    state = echo.start()
    for _ in range(2):
        state, reply = echo.reply(state, utterance)
        assert not WRONG_PRONOUNS.search(reply), reply


@pytest.mark.parametrize(
    "wrong", ["it is up to I", "I are", "so you am", "you was", "and I is", "me am", "your are", "are I"]
)
def test_the_wrong_pronouns_are_known(wrong: str) -> None:
    assert WRONG_PRONOUNS.search(wrong)


HOSTILE = [
    LONG_TALK * 2,
    "you " * 500,
    "my my " * 334,
    "a-" * 1000,
    "'s" * 1000,
    "," * 2000,
    ". " * 1000,
    "1" * 2000,
    "1." * 1000,
    "x@" * 1000,
    "https://" * 250,
    "😢" * 2000,
    "I AM " * 400,
    "a " * 1000,
    " ".join(f"{number:x}g" for number in range(200)) + " a b" * 300,
    "i mean you know like " * 100,
    "e\u0301" * 1000,
    "a.b" * 666,
    "$1,000 at 10:30 on 3/4/21 " * 80,
    "İ" * 2000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_no_text_takes_long(echo: Eliza, text: str) -> None:
    """At most 5 ms for 2000 characters: of this process, and the best of nine, for the machine may have other work."""
    state = echo.start()
    times = []
    for _ in range(9):
        began = time.process_time()
        _, reply = echo.reply(state, text[:2000])
        times.append(time.process_time() - began)
    check(reply)
    assert min(times) < 0.005
