"""The packaged safety rules: who speaks of suicide, self-harm or violence gets care and a pointer to real help.

It is no substitute for anything: it knows words, not people. What it looks for stands in safety.txt; this module reads
that, decides which kind of danger was spoken of, and words the answer for a place. It never judges how likely it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Final, Literal, NamedTuple, get_args

from elizad.conversation.phrases import fill_fields
from elizad.conversation.said import AlreadySaid, as_it_is, mark
from elizad.conversation.wording import Signs, Ways, letter_runs, written_out
from elizad.speech.number_words import digits

Danger = Literal["suicide", "self_harm", "abuse", "violence", "others"]
"""What was spoken of: one's own death, hurting oneself, being hurt, hurting others, or other people's danger."""

DANGERS: Final[tuple[Danger, ...]] = get_args(Danger)

Locale = Literal["neutral", "us", "ca", "uk", "ie", "eu", "au", "nz"]


class Help(NamedTuple):
    """Whom to call, as it is said in the middle of a sentence: the emergency services, and people who listen."""

    emergency: str
    line: str


# National numbers, from those who run them: 988 lines of the US and Canada, the Samaritans of the UK and Ireland,
# Lifeline of Australia, 1737 of New Zealand; 112 is the European emergency number. Written as they are to be spoken.
HELP: Final[Mapping[Locale, Help]] = {
    "neutral": Help("your local emergency number", "a crisis line where you live"),
    "us": Help("nine one one", "the Suicide and Crisis Lifeline at nine eight eight"),
    "ca": Help("nine one one", "the Suicide Crisis Helpline at nine eight eight"),
    "uk": Help("nine nine nine", "the Samaritans on one one six, one two three"),
    "ie": Help("one one two", "the Samaritans on one one six, one two three"),
    "eu": Help("one one two", "a crisis line in your country"),
    "au": Help("triple zero", "Lifeline on thirteen, eleven, fourteen"),
    "nz": Help("one one one", "the free helpline at one seven three seven"),
}

# The first is said first, then each in turn. They name a person to go to, ask about safety, and say what ELIZA is.
TEXTS: Final[Mapping[Danger, tuple[str, ...]]] = {
    "suicide": (
        "I'm glad you told me, and I take it seriously. I am a computer program, and you deserve a person."
        " Please call {line}, or {emergency} if you are in danger now. Are you safe at the moment?",
        "You don't have to go through this alone. Please call {line}, or go to someone who can stay with you."
        " If you might act on it, call {emergency}.",
        "I'm still listening, and what you say worries me. Who could be with you right now? If there is nobody,"
        " please call {line}.",
    ),
    "self_harm": (
        "Thank you for telling me. That sounds very hard, and you deserve more than a computer program."
        " Please talk to someone you trust, or call {line}. If you are badly hurt, call {emergency}.",
        "I hear that you are hurting. Could you put some distance between you and what you use, and tell someone?"
        " You can call {line}.",
    ),
    "abuse": (
        "I'm sorry. Nobody has the right to do that to you, and it is not your fault. If you are in danger now,"
        " please get to a safe place and call {emergency}. Is there someone you trust who can help you?",
        "What you tell me is serious, and I am only a computer program. If you are not safe, please call {emergency}."
        " You can also talk to {line}.",
    ),
    "violence": (
        "I take that seriously. Before anything happens, please step away and get some distance."
        " If anyone is in danger, call {emergency}. Who could help you hold back?",
        "A feeling can be that strong and still pass. Please don't be alone with it: tell someone you trust, or call"
        " {line}. If you think you might act, call {emergency}.",
    ),
    "others": (
        "I'm sorry, that is a lot to carry. If anybody is in danger now, please call {emergency}."
        " And you can call {line} for yourself too, to talk about it.",
        "You don't have to carry that alone. Please speak to someone you trust, or to {line}."
        " If somebody's life is in danger, call {emergency}.",
    ),
}

_STORY_BEFORE: Final = 10  # words: "in the film that we saw last night he kills himself"
_STORY_AFTER: Final = 4  # words: "he kills himself in the film"
_TITLE: Final = 7  # words: no longer title is likely
_DIGITS: Final = re.compile(r"\d+")


class _Rules(NamedTuple):
    """safety.txt, compiled."""

    no_danger: Ways
    titles: Ways
    stories: Ways
    dangers: tuple[tuple[Danger, Ways], ...]
    signs: Signs
    """Of any danger."""


@lru_cache(1)
def _rules() -> _Rules:
    sections: dict[str, list[str]] = {}
    for line in (resources.files(__package__) / "safety.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            ways = sections.setdefault(line.strip("= "), [])
        elif line and not line.startswith("#"):
            ways.append(line)
    dangers: list[tuple[Danger, Ways]] = [("others", Ways(sections["others by name"]))]
    dangers += ((danger, Ways(sections[danger])) for danger in DANGERS)
    return _Rules(
        Ways(sections["no danger"]),
        Ways(sections["titles"]),
        Ways(sections["stories"]),
        tuple(dangers),
        Signs(ways for _, ways in dangers),
    )


def danger_in(text: str) -> Danger | None:
    """Say what kind of danger somebody who says `text` speaks of, or None."""
    rules = _rules()
    if not rules.signs.are_among(letter_runs(text)):
        return None  # as nearly always
    words = written_out(text)
    words = rules.no_danger.without(_without_titles(words, rules.titles))
    for danger, ways in rules.dangers:
        for match in ways.matches(words):
            if danger != "others" or not _in_a_story(words, match, rules.stories):
                return danger
    return None


def _without_titles(words: str, titles: Ways) -> str:
    """Leave out what comes after "a song called": nobody says it of themselves."""
    if (match := titles.search(words)) is None:
        return words
    after = words[match.end() :].split()[_TITLE:]
    return f"{words[: match.start()]}# {' '.join(after)} "


def _in_a_story(words: str, match: re.Match[str], stories: Ways) -> bool:
    before = words[: match.start()].split()[-_STORY_BEFORE:]
    after = words[match.end() :].split()[:_STORY_AFTER]
    return any(stories.search(f" {' '.join(near)} ") for near in (before, after))


class Safety:
    """The answers for one place."""

    def __init__(
        self,
        help: Help = HELP["neutral"],
        texts: Mapping[Danger, Sequence[str]] | None = None,
        said_as: Callable[[str], str] = as_it_is,
    ) -> None:
        """`texts` replaces packaged ones, with the fields {emergency} and {line}; an empty list replaces nothing.

        `said_as` makes of a text what is heard of it.
        """
        self._said_as = said_as
        self.signs: Final = _rules().signs  # read now, and not in the middle of the first call
        fields = help._asdict()
        self._texts: dict[Danger, list[str]] = {
            danger: [_spoken(fill_fields(text, fields)) for text in (texts or {}).get(danger) or TEXTS[danger]]
            for danger in DANGERS
        }

    def answer(self, heard: str, said: AlreadySaid) -> tuple[Danger, str] | None:
        """Return the danger that `heard` speaks of and what to say to it; None when there is none."""
        danger = danger_in(heard)
        if danger is None:
            return None
        texts = self._texts[danger]
        times = said.times([mark(text, self._said_as) for text in texts])
        return danger, texts[times % len(texts)]


def _spoken(text: str) -> str:
    """Read digits one by one: a telephone number is never an amount."""
    return _DIGITS.sub(lambda run: digits(run[0]), text)
