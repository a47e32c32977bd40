"""Whether every reassembly of a script can be reached: for each one, look for an utterance that brings it out.

Utterances are made from the script. Those for a decomposition are its own words, with the person turned back to what a
caller says and with something to fill the gaps; a rule that only links lead to is entered by the rules that link to it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

from elizad.eliza.engine import Eliza, State, Step
from elizad.eliza.match import group_words, is_number
from elizad.eliza.script import Link, Pre, Rule, Script, Transformation

Place = tuple[str, int, int]
"""(keyword, number of the decomposition, number of the reassembly), numbers from 0."""

_TOOK = re.compile(r"(\d+) of \d+: ")
_LAID = re.compile(r"laid with form (\d)")
# In a decomposition the caller's "I" is YOU.
_TURNED_BACK = {
    "YOU": "i",
    "I": "you",
    "YOUR": "my",
    "MY": "your",
    "YOURS": "mine",
    "MINE": "yours",
    "YOURSELF": "myself",
    "MYSELF": "yourself",
}
_COUNTED = ("blue", "lamp", "green", "table")
_GAPS = ("blue lamp", "", "my mother", "my lamp is blue", "my job", " ".join(_COUNTED * 3))
_CHOICES = 20  # of words for the groups of one decomposition
_TRIES = 800  # utterances for one decomposition, before it is given up


def places(script: Script) -> set[Place]:
    """Return every reassembly of every rule, NONE included."""
    return {
        (rule.keyword, at, index)
        for rule in _rules(script)
        for at, transformation in enumerate(rule.transformations)
        for index in range(len(transformation.reassemblies))
    }


def unreached(eliza: Eliza, utterances: Iterable[str] = ()) -> tuple[set[Place], set[int]]:
    """Return the reassemblies that neither `utterances` nor any made one brings out, and the memory forms likewise."""
    script = eliza.script
    left = places(script)
    forms = {1, 2, 3, 4}
    witness: dict[tuple[str, int], str] = {}  # an utterance that comes to this decomposition
    ways = _ways(script)

    def hear(utterance: str) -> None:
        for keyword, at, _ in _say(eliza, eliza.start(), utterance, forms)[1]:
            witness.setdefault((keyword, at), utterance)

    for utterance in utterances:
        hear(utterance)
    for rule in _rules(script):
        for at, transformation in enumerate(rule.transformations):
            for utterance in itertools.islice(_made(script, rule, transformation, ways), _TRIES):
                if (rule.keyword, at) in witness:
                    break
                hear(utterance)
    for (keyword, at), utterance in witness.items():
        rule = script.none if keyword == script.none.keyword else script.rules[keyword]
        state = eliza.start()
        # The way there may itself take turns with other ways, so once for each reassembly may not be enough.
        for _ in range(4 * len(rule.transformations[at].reassemblies)):
            state, taken = _say(eliza, state, utterance, forms)
            left -= taken
    return left, forms


def _say(eliza: Eliza, state: State, utterance: str, forms: set[int]) -> tuple[State, set[Place]]:
    """Take one turn; return what it took. The memory forms it used are taken out of `forms`."""
    trace: list[Step] = []
    state, _reply = eliza.reply(state, utterance, trace)
    taken: set[Place] = set()
    rule = decomposition = ""
    for step in trace:
        if step.label == "rule":
            rule = step.detail
        elif step.label == "decomposition":
            decomposition = " ".join(re.findall(r"\d+:(.*?)=\[", step.detail))
        elif step.label == "reassembly" and (took := _TOOK.match(step.detail)):
            transformations = (eliza.script.none if rule == "NONE" else eliza.script.rules[rule]).transformations
            written = [" ".join(one.decomposition.elements) for one in transformations]
            taken.add((rule, written.index(decomposition), int(took[1]) - 1))
        elif step.label == "memory" and (laid := _LAID.match(step.detail)):
            forms.discard(int(laid[1]))
    return state, taken


def _rules(script: Script) -> tuple[Rule, ...]:
    return (*script.rules.values(), script.none)


def _made(script: Script, rule: Rule, transformation: Transformation, ways: dict[str, list[str]]) -> Iterator[str]:
    for gap in _GAPS:
        for words in itertools.islice(_words(script, transformation, gap), _CHOICES):
            yield words
            for word in ways.get(rule.keyword, ()):
                spoken = word.lower()
                if f" {spoken} " not in f" {words} ":
                    yield f"{spoken} {words}"
                    yield f"{words} {spoken}"


def _words(script: Script, transformation: Transformation, gap: str) -> Iterator[str]:
    """Turn a decomposition back into what a caller would say, with each word of its groups in turn."""
    choices: list[list[str]] = []
    for element in transformation.decomposition.elements:
        if is_number(element):
            choices.append([" ".join(itertools.islice(itertools.cycle(_COUNTED), int(element))) or gap])
        elif element.startswith("("):
            members = group_words(element, script.tags)
            assert isinstance(members, frozenset)
            choices.append(sorted(members))
        else:
            choices.append([element])
    for combination in itertools.product(*choices):
        yield " ".join(_TURNED_BACK.get(word, word.lower()) for part in combination for word in part.split() if part)


def _ways(script: Script) -> dict[str, list[str]]:
    """Return, for each keyword, the words a caller can say that lead to it over links."""
    sources: dict[str, set[str]] = {}
    for rule in script.rules.values():
        targets = {rule.link} if rule.link else set()
        for transformation in rule.transformations:
            targets |= {one.keyword for one in transformation.reassemblies if isinstance(one, Link | Pre)}
        for target in targets:
            sources.setdefault(target, set()).add(rule.keyword)
    ways: dict[str, list[str]] = {}
    for keyword in script.rules:
        seen = [keyword]
        for target in seen:  # grows as it goes
            seen += [one for one in sorted(sources.get(target, ())) if one not in seen]
        ways[keyword] = [one for one in seen if "." not in one]
    return ways
