"""Generated everyday talk: clauses with what they must become when said back, and whole messy utterances."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

NAMES = ("Anna", "Tom", "Dr. Lee", "Mrs. Okafor", "Zoë", "Jean-Luc")
PLACES = ("Paris", "Bath", "São Paulo", "the office", "my old school", "room 12")


class Person(NamedTuple):
    """A pronoun in all its forms, with its verbs; `back` is the index of the one it becomes."""

    subject: str
    object: str
    owner: str
    owned: str
    oneself: str
    am: str
    was: str
    back: int


PERSONS = (
    Person("I", "me", "my", "mine", "myself", "am", "was", 1),
    Person("you", "you", "your", "yours", "yourself", "are", "were", 0),
    Person("he", "him", "his", "his", "himself", "is", "was", 2),
    Person("she", "her", "her", "hers", "herself", "is", "was", 3),
    Person("they", "them", "their", "theirs", "themselves", "are", "were", 4),
)

# Actor, other, third: a pattern is filled with three persons, and again with those that they become.
PATTERNS = (
    "{0.subject} {0.am} sad",
    "{0.subject} {0.am} not afraid of {1.object}",
    "{0.subject} {0.was} never rude to {1.object}",
    "{0.subject} really {0.am} tired of {1.owner} dog",
    "{0.subject} {0.was} at home when {1.subject} called {2.object}",
    "{0.subject} never told {1.object} the truth",
    "{0.subject} told {1.object} that {2.subject} {2.was} ill",
    "{0.subject} told {1.object} {2.subject} {2.was} ill",
    "{0.subject} thought {1.subject} hated {2.object}",
    "{0.subject} hoped {1.subject} would call {2.object}",
    "{0.subject} gave {0.owner} book to {1.object}",
    "{0.subject} gave {1.object} a book about {2.object}",
    "{0.subject} left {1.object} because {2.subject} lied to {1.object}",
    "{0.subject} made {1.object} cry",
    "{0.subject} wanted {1.object} to help {2.object}",
    "{0.subject} will stay if {1.subject} will forgive {2.object}",
    "{0.subject} hurt {0.oneself}",
    "the house is {0.owned} and the car is {1.owned}",
    "{0.owner} mother likes {1.object} more than {2.object}",
    "{0.owner} friend said {1.subject} {1.was} late",
    "what {0.subject} said about {1.object} was cruel",
    "nobody knows {0.subject} love {1.object}",
    "{0.am} {0.subject} like {1.object}",
    "{0.was} {0.subject} wrong about {1.object}",
    "where {0.was} {0.subject} when {1.subject} needed {2.object}",
    "can {0.subject} help {1.object}",
    "why should {0.subject} trust {1.object}",
    "did {0.subject} ever love {1.object}",
    "it hurts when {0.subject} shout at {1.object}",
    "without {0.object} {1.subject} {1.was} lost",
)


@st.composite
def mirrored_clauses(draw: st.DrawFn) -> tuple[str, str]:
    """A clause as the caller says it, and as it must be said back."""
    pattern = draw(st.sampled_from(PATTERNS))
    # "I ... me" and "you ... you" are said with "myself" and "yourself": nobody stands twice, but the second again.
    first, second = draw(st.permutations(PERSONS))[:2]
    third = draw(st.sampled_from([person for person in PERSONS if person not in (first, second)]))
    persons = (first, second, third)
    return pattern.format(*persons), pattern.format(*(PERSONS[person.back] for person in persons))


_SUBJECTS = (
    "my mother",
    "my my boss",
    "i i",
    "I",
    "you",
    "Anna",
    "the doctor",
    "we",
    "my brother and i",
    "MY DAD",
    "it",
)
_VERBS = ("hates", "love", "told", "can't forgive", "never listens to", "want to see", "was shouting at", "don't like")
_OBJECTS = ("me", "you", "my 2 dogs", "the 3rd test", "$120", "my friend Anna in Paris", "school", "you and me", "him")
_TAILS = (
    "",
    "at 10:30",
    "on 3/4/2021",
    "every day",
    "because i am 30",
    "since 1999",
    "50% of the time",
    "at home",
    "!!",
)
_BORDERS = (", ", ". ", "? ", "! ", "; ", " - ", " but ", " — ", ", um, ", ". So, ")
_NO_BORDERS = (" ", "... ", " and ", " 😢 ", "\n", " (really) ", " “", ". Mr. ")
_FILLERS = ("", "", "um ", "well you know ", "like ", "i mean ", "so ", "Yes, ", "uh, ", "“")
_WORDS = ("hello", "yes", "no", "why", "help", "sad", "HELP ME", "e.g.", "me@example.com", "U.S.", "3.5", "42", "NASA")


def _clauses() -> st.SearchStrategy[str]:
    built = st.builds(" ".join, st.tuples(*map(st.sampled_from, (_SUBJECTS, _VERBS, _OBJECTS, _TAILS))))
    told = mirrored_clauses().map(lambda pair: pair[0])
    return st.builds(str.__add__, st.sampled_from(_FILLERS), st.one_of(built, told))


def _in_some_case(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(text, text.map(str.lower), text.map(str.upper))


def sentences() -> st.SearchStrategy[str]:
    """Utterances in which every clause is closed, so that nothing runs on into the next."""
    closed = st.builds(str.__add__, _clauses(), st.sampled_from(_BORDERS))
    return _in_some_case(st.lists(closed, min_size=1, max_size=4).map("".join))


def talk() -> st.SearchStrategy[str]:
    """Any utterances: clauses, odd words and marks in any order, or as a recogniser writes them."""
    part = st.one_of(_clauses(), *map(st.sampled_from, (_WORDS, NAMES, PLACES)))
    marked = st.builds(str.__add__, part, st.sampled_from(_BORDERS + _NO_BORDERS))
    said = st.lists(marked, min_size=1, max_size=6).map("".join)
    return st.one_of(_in_some_case(said), said.map(_recognised))


def _recognised(text: str) -> str:
    """No marks but apostrophes, all in small letters."""
    return "".join(char for char in text.lower() if char.isalnum() or char in " '")
