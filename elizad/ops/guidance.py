"""The tables that say what is said beside the mind's own replies: [conversation], [safety] and [[steer]]."""

from __future__ import annotations

import difflib
from typing import Annotated, Final, Literal

from elizad.conversation.patterns import Pattern
from elizad.conversation.safety import Locale
from elizad.conversation.steering import Then
from elizad.conversation.wording import check as check_wording
from elizad.eliza.expressions import NAMES, named
from elizad.ops.schema import Key, Table
from elizad.ops.visible import quoted

_TEXT_CHARS: Final = 1000  # a minute of speech, which nobody hears to its end


def _wording(text: str) -> None:
    """Raises: ValueError."""
    check_wording(text)


def _pattern(text: str) -> None:
    """Raises: ValueError."""
    if text:
        Pattern(text)


def _expression(text: str) -> None:
    """Raises: ValueError."""
    if text and named(text) is None:
        near = difflib.get_close_matches(text.title(), NAMES, n=1)
        hint = f"; did you mean {quoted(near[0])}?" if near else ""
        raise ValueError(f"found {quoted(text)}, which is none of the {len(NAMES)} expressions that Hume hears{hint}")


Wording = Annotated[str, Key("", 1, 300, form='words such as "opening hours"', check=_wording)]
Text = Annotated[str, Key("", 1, _TEXT_CHARS, form=f"a text of 1 to {_TEXT_CHARS} characters")]
Texts = tuple[Text, ...]
Platform = Literal["", "hume", "evi", "retell", "talk"]


class Conversation(Table, frozen=True):
    """How long a call lasts, and what is said of it."""

    length_s: Annotated[
        float, Key("seconds that a call lasts; 0: as long as the platform allows, if it says so (EVI: 1800)", 0, 86_400)
    ] = 0.0  # who set up the agent has set its length there
    warning_s: Annotated[float, Key("seconds before the end when the warning is said, once", 0, 3600)] = (
        120.0  # time to say what matters, and to come to an end
    )
    warning: Annotated[
        str, Key("the warning, in which {time_left} is how long is left; empty: none", 0, _TEXT_CHARS, form="a text")
    ] = "I should tell you that our time is nearly over. We have about {time_left}."  # as a person would
    closing: Annotated[
        str,
        Key("the last words, after which the platform hangs up if it can; empty: none", 0, _TEXT_CHARS, form="a text"),
    ] = "That is all the time we have today. Thank you for talking with me. Goodbye."  # as above
    disclosure: Annotated[
        str, Key("said once in a call, before anything else; empty: nothing", 0, _TEXT_CHARS, form="a text")
    ] = ""  # whether it is the law, and in which words, depends on the place


class Safety(Table, frozen=True):
    """What is answered to talk of suicide, self-harm and violence, instead of ELIZA's mirror."""

    enabled: Annotated[bool, Key("answer such talk with care and a pointer to real help")] = (
        True  # whoever has a telephone line gets such calls
    )
    locale: Annotated[Locale, Key("whose numbers are given")] = "neutral"  # a wrong number is worse than none
    emergency: Annotated[
        str, Key("whom to call in danger, instead of the locale's", 0, 200, form='words such as "112"')
    ] = ""  # the locale's
    line: Annotated[
        str, Key("who listens to people in distress, instead of the locale's", 0, 200, form="words that name a service")
    ] = ""  # the locale's
    suicide: Annotated[Texts, Key("what is said instead of the packaged texts, the first one first")] = ()  # packaged
    self_harm: Annotated[Texts, Key("the same, when people hurt themselves")] = ()  # packaged
    abuse: Annotated[Texts, Key("the same, when people are hurt")] = ()  # packaged
    violence: Annotated[Texts, Key("the same, when people may hurt others")] = ()  # packaged
    others: Annotated[Texts, Key("the same, when it is about other people's danger")] = ()  # packaged


class Steer(Table, frozen=True):
    """One rule. All of its conditions must hold; one that is not given always does."""

    name: Annotated[str, Key("what the rule is called in a log", 0, 80, form="a name")] = ""  # its number will do
    words: Annotated[tuple[Wording, ...], Key("the caller puts it in one of these ways")] = ()  # whatever is said
    pattern: Annotated[
        str, Key("what the caller said has this in it", 0, 300, form="a regular expression", check=_pattern)
    ] = ""  # as above
    expression: Annotated[
        str, Key("the voice has this expression (Hume)", 0, 60, form="the name of an expression", check=_expression)
    ] = ""  # however it is said
    score: Annotated[float, Key("at least so strongly", 0.01, 1)] = 0.5  # stronger than most that Hume hears
    from_turn: Annotated[int, Key("the caller's turn is at least this one, from 1; 0: any", 0, 10_000)] = 0  # always
    to_turn: Annotated[int, Key("and at most this one; 0: any", 0, 10_000)] = 0  # always
    seconds_left: Annotated[float, Key("at most so many seconds of the call are left; 0: any", 0, 86_400)] = (
        0.0  # always
    )
    platform: Annotated[Platform, Key("the call is on this platform; empty: any")] = ""  # all alike
    known_caller: Annotated[bool, Key("it is the first turn of a caller who has called before")] = False  # everybody
    context: Annotated[tuple[Wording, ...], Key("an injected text (Hume) has one of these ways in it")] = ()  # any
    say: Annotated[str, Key("the text, with {name} fields; empty: none", 0, _TEXT_CHARS, form="a text")] = (
        ""  # only "then" counts
    )
    then: Annotated[Then, Key("ELIZA's reply as well, nothing more, or the end of the call")] = (
        "stay"  # the rule is there to answer
    )
    limit: Annotated[int, Key("at most so often in a call; 0: always", 0, 1000)] = 0  # it holds as long as it holds
