"""What is wrong with a script that loads: what in it can never happen, never ends, or would sound wrong aloud.

Pure. Everything said here is certain from the script alone: what only looks suspicious is not mentioned. For what
replies sound like, compile the script with `as_written`, which keeps the writer's own letters.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from elizad.eliza.engine import DELIMITERS
from elizad.eliza.expressions import BY_SCRIPT_NAME
from elizad.eliza.match import group_words, is_number
from elizad.eliza.script import Link, NewKey, Part, Pre, Reassembly, Rule, Say, Script, Transformation, describe

_LONGEST: Final = 30  # words of a reply: some twelve seconds of speech, before the caller's own words come in
_QUOTED: Final = 70  # characters of a reply that a finding quotes: a line of its own, about
_ACRONYM: Final = 3  # letters: a longer word in capitals is shouted, not spelt
_MARKS_IN_A_ROW: Final = re.compile(r"[.,;:!?](?<!\.\.\.)\s*(?:[,;:!?]|\.(?!\.))")
_END_MARKS: Final = (".", "?", "!", "…")


class Finding(NamedTuple):
    """One fault: the line it is on (None: the script as a whole), the keyword it belongs to, and a sentence."""

    line: int | None
    keyword: str
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line is not None else ""
        return f"{place}{self.keyword}: {self.message}" if self.keyword else f"{place}{self.message}"


def as_written(written: str, key: str) -> str:
    """Spell a script word as it stands in the script: the spelling to compile with for `inspect`."""
    return written


def inspect(script: Script) -> list[Finding]:
    """Return all that is wrong with `script`, in the order of its lines."""
    findings = {
        *_never_said(script),
        *_shadowed(script),
        *_words_that_never_come(script),
        *_tags(script),
        *_expressions(script),
        *_endless(script),
        *_none(script),
        *_aloud(script),
    }
    return sorted(findings, key=lambda finding: (finding.line or 0, finding.keyword, finding.message))


def pattern(elements: Iterable[str]) -> str:
    """Write a decomposition the way a script does."""
    return f"({' '.join(elements)})"


def _targets(script: Script) -> frozenset[str]:
    """Return the keywords that a link or a PRE leads to."""
    targets = {rule.link for rule in script.rules.values() if rule.link is not None}
    for rule in script.rules.values():
        for transformation in rule.transformations:
            targets |= {one.keyword for one in transformation.reassemblies if isinstance(one, Link | Pre)}
    return frozenset(targets)


# -- what can never be reached -----------------------------------------------------------------------------------


def _sayable(word: str) -> bool:
    """Whether a caller can say this word so that it arrives as one: the delimiters end a clause and are dropped."""
    return word not in DELIMITERS and not any(mark in word for mark in " ,.")


def _never_said(script: Script) -> Iterator[Finding]:
    targets = _targets(script)
    for keyword, rule in script.rules.items():
        if not _sayable(keyword) and keyword not in targets:
            yield Finding(rule.line, keyword, "nobody can say this keyword, and no link leads to it")
    if not script.rules[script.memory_keyword].active:
        line = script.rules[script.memory_keyword].line
        yield Finding(line, script.memory_keyword, "is the MEMORY keyword, but it never answers: nothing is remembered")


def _shadowed(script: Script) -> Iterator[Finding]:
    for rule in script.all_rules:
        before: list[tuple[Transformation, list[_Slot]]] = []
        for transformation in rule.transformations:
            elements = transformation.decomposition.elements
            slots = _slots(elements, script)
            for earlier, its_slots in before:
                if _covers(its_slots, slots):
                    yield Finding(
                        transformation.line,
                        rule.keyword,
                        f"{pattern(elements)} is never reached: {pattern(earlier.decomposition.elements)}"
                        f" on line {earlier.line} fits all that it fits",
                    )
                    break
            before.append((transformation, slots))
        if rule.link is not None and any(slots == [_WILD] for _, slots in before):
            yield Finding(rule.line, rule.keyword, f"the link (={rule.link}) is never taken: (0) fits everything")


_Slot = frozenset[str] | str
"""What one place of a decomposition takes: one of these words, any one word, or any number of words."""

_ANY: Final = "any"
_WILD: Final = "wild"
_MAX_COUNT: Final = 64  # words; beyond it one pattern for "this many" is as good as another


def _slots(elements: Sequence[str], script: Script) -> list[_Slot]:
    """Lay a pattern out in places; of any-word places and wild ones side by side, the wild one comes last, once."""
    slots: list[_Slot] = []
    run: list[_Slot] = []
    for element in elements:
        if is_number(element):
            count = int(element[:12])
            run += [_ANY] * min(count, _MAX_COUNT) or [_WILD]
            continue
        slots += _ordered(run)
        run = []
        if element.startswith("("):
            words = group_words(element, script.tags)
            slots.append(words if isinstance(words, frozenset) else frozenset((element,)))
        else:
            slots.append(frozenset((element,)))
    return slots + _ordered(run)


def _ordered(run: Sequence[_Slot]) -> list[_Slot]:
    wild: list[_Slot] = [_WILD] if _WILD in run else []
    return [one for one in run if one == _ANY] + wild


def _covers(general: Sequence[_Slot], special: Sequence[_Slot]) -> bool:
    """Whether `general` fits every text that `special` fits. A True is certain; a few pairs are missed."""
    if not special:
        return all(slot == _WILD for slot in general)
    if not general:
        return False
    # reach[j]: the places of `general` so far can take the first j places of `special`
    reach = [True] + [False] * len(special)
    for slot in general:
        if slot == _WILD:
            first = reach.index(True) if True in reach else len(reach)
            reach = [at >= first for at in range(len(reach))]
        else:
            reach = [False] + [reach[at] and _takes(slot, special[at]) for at in range(len(special))]
    return reach[-1]


def _takes(slot: _Slot, other: _Slot) -> bool:
    if other == _WILD:
        return False
    if slot == _ANY:
        return True
    return isinstance(slot, frozenset) and isinstance(other, frozenset) and bool(other) and other <= slot


# -- words that are never in the text ----------------------------------------------------------------------------


def _words_that_never_come(script: Script) -> Iterator[Finding]:
    brought = {word for rule in script.rules.values() if rule.substitute for word in rule.substitute.key.split()}
    for rule in script.all_rules:
        for transformation in rule.transformations:
            for one in transformation.reassemblies:
                if isinstance(one, Pre):
                    brought |= {word for part in one.parts if not isinstance(part, int) for word in part.key.split()}

    def missing(word: str) -> str | None:
        """Say why a word is never in a text, or None."""
        if word in brought:
            return None
        if not _sayable(word):
            return f"{word} is never part of a clause"
        rule = script.rules.get(word)
        if rule is not None and rule.substitute is not None and rule.substitute.key != word:
            return f"{word} has become {rule.substitute.key} by then"
        return None

    for rule in script.all_rules:
        for transformation in rule.transformations:
            yield from _never_fits(rule.keyword, transformation.line, transformation, missing)
    for number, form in enumerate(script.memory_forms, 1):
        for element in form.decomposition.elements:
            if len(element) > 1 and element[0] in "*/":
                yield Finding(
                    None, "MEMORY", f"form {number}: brackets count as 0 in a MEMORY form, so {element} is just a word"
                )
            elif not is_number(element) and (why := missing(element)):
                yield Finding(None, "MEMORY", f"form {number} never fits: {why}")


def _never_fits(
    keyword: str, line: int, transformation: Transformation, missing: Callable[[str], str | None]
) -> Iterator[Finding]:
    elements = transformation.decomposition.elements
    for element in elements:
        if is_number(element):
            continue
        if not element.startswith("("):
            if why := missing(element):
                yield Finding(line, keyword, f"{pattern(elements)} never fits: {why}")
            elif len(element) > 1 and element[0] in "*/":
                yield Finding(line, keyword, f"{pattern(elements)}: {element} needs brackets of its own to be a choice")
            continue
        inside = element[1:-1].lstrip(" ")
        if not inside.startswith(("*", "/")):
            yield Finding(line, keyword, f"{element} never fits: a group begins with * or /")
        elif inside.startswith("*"):
            words = inside[1:].split()
            gone = [why for word in words if (why := missing(word))]
            if len(gone) == len(words):
                yield Finding(line, keyword, f"{element} never fits: " + ("; ".join(gone) or "it is empty"))
            else:
                for why in gone:
                    yield Finding(line, keyword, f"in {element}, {why}")


# -- tags --------------------------------------------------------------------------------------------------------


def _tags(script: Script) -> Iterator[Finding]:
    asked: set[str] = set()
    for rule in script.all_rules:
        for transformation in rule.transformations:
            for element in transformation.decomposition.elements:
                inside = element[1:-1].lstrip(" ") if element.startswith("(") else ""
                if inside.startswith("/"):
                    for tag in inside[1:].split():
                        asked.add(tag)
                        if tag not in script.tags:
                            hint = ", and only the first slash counts" if tag.startswith("/") else ""
                            yield Finding(
                                transformation.line, rule.keyword, f"in {element}, nothing has the tag {tag}{hint}"
                            )
    marker = "USE_SIX_CHAR_MATCHING_BEHAVIOR"  # a switch of the language that looks like a tag
    for tag in sorted(script.tags.keys() - asked - {marker}):
        members = script.tags[tag]
        rule = next(rule for rule in script.rules.values() if rule.keyword in members)
        yield Finding(rule.line, rule.keyword, f"no decomposition asks for the tag /{tag}")


# -- expressions -------------------------------------------------------------------------------------------------


def _expressions(script: Script) -> Iterator[Finding]:
    for needs, rule in script.expressions:
        for name, percent in needs:
            if name not in BY_SCRIPT_NAME:
                near = difflib.get_close_matches(name, BY_SCRIPT_NAME, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                yield Finding(rule.line, rule.keyword, f"no voice has the expression {name}{hint}")
            if not 1 <= percent <= 100:
                yield Finding(rule.line, rule.keyword, f"{name} {percent}: how strong it must be goes from 1 to 100")
    ordered = sorted(script.expressions, key=lambda one: -one.rule.rank)
    for index, later in enumerate(ordered):
        for earlier in ordered[:index]:
            weaker = dict(later.needs)
            always = any(
                _slots(t.decomposition.elements, script) == [_WILD] and not any(map(_gives_up, t.reassemblies))
                for t in earlier.rule.transformations
            )
            if always and all(weaker.get(name, 0) >= percent for name, percent in earlier.needs):
                yield Finding(
                    later.rule.line,
                    later.rule.keyword,
                    f"never answers: {earlier.rule.keyword} on line {earlier.rule.line} answers before it",
                )
                break


def _gives_up(one: Reassembly) -> bool:
    return isinstance(one, NewKey)


# -- circles -----------------------------------------------------------------------------------------------------


def _endless(script: Script) -> Iterator[Finding]:
    """Find the rules from which no reply is ever reached, and the decompositions that lead back to themselves."""
    rules = {keyword: rule for keyword, rule in script.rules.items() if rule.active}
    caught = set(rules)  # shrinks until all that is left has no way out

    def goes_on(one: Reassembly) -> bool:
        return isinstance(one, Link | Pre) and one.keyword in caught

    def stays(rule: Rule) -> bool:
        if not all(goes_on(one) for t in rule.transformations for one in t.reassemblies):
            return False
        if rule.link is not None:
            return rule.link in caught
        return any(_slots(t.decomposition.elements, script) == [_WILD] for t in rule.transformations)

    while lost := {keyword for keyword in caught if not stays(rules[keyword])}:
        caught -= lost
    for keyword in rules:
        if keyword in caught and (path := _way_back(rules, keyword)):
            yield Finding(rules[keyword].line, keyword, f"its links never end: {' -> '.join(path)}")
    for keyword, rule in rules.items():
        if keyword in caught:
            continue
        for transformation in rule.transformations:
            # A link leaves the text as it is, so the same decomposition is next.
            if all(isinstance(one, Link) and one.keyword == keyword for one in transformation.reassemblies):
                yield Finding(
                    transformation.line,
                    keyword,
                    f"{pattern(transformation.decomposition.elements)} leads back to itself for ever",
                )


def _way_back(rules: dict[str, Rule], start: str) -> list[str]:
    """Return the shortest way over links from a rule to itself, or nothing."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:  # grows as it goes
        for target in _next(rules[way[-1]]):
            if target == start:
                return [*way, start]
            if target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return []


def _next(rule: Rule) -> list[str]:
    targets = [one.keyword for t in rule.transformations for one in t.reassemblies if isinstance(one, Link | Pre)]
    return [*targets, rule.link] if rule.link is not None else targets


# -- NONE, and how it all sounds ---------------------------------------------------------------------------------


def _none(script: Script) -> Iterator[Finding]:
    none = script.none
    for transformation in none.transformations:
        for one in transformation.reassemblies:
            if isinstance(one, Link | Pre | NewKey):
                yield Finding(
                    transformation.line,
                    none.keyword,
                    f"{describe(one)} leads nowhere from here: the caller's own words are said back",
                )
    if not any(_slots(t.decomposition.elements, script) == [_WILD] for t in none.transformations):
        yield Finding(
            none.line, none.keyword, "no decomposition fits everything, as (0) does: the caller's words are said back"
        )


def _aloud(script: Script) -> Iterator[Finding]:
    replies: list[tuple[int | None, str, Sequence[Part]]] = [(None, "the opening", script.opening)]
    for rule in script.all_rules:
        for t in rule.transformations:
            replies += [(t.line, rule.keyword, one.parts) for one in t.reassemblies if isinstance(one, Say)]
    replies += [(None, "MEMORY", form.parts) for form in script.memory_forms]
    # A script all in capitals is spoken in small letters; in a mixed one capitals are meant as they stand.
    mixed = any(
        any(map(str.islower, word.said)) for _, _, parts in replies for word in parts if not isinstance(word, int)
    )
    for line, keyword, parts in replies:
        text = describe(Say(tuple(parts)))
        if len(text) > _QUOTED:
            text = text[:_QUOTED].rsplit(" ", 1)[0] + " ...)"
        for fault in dict.fromkeys(_faults(parts, mixed)):
            yield Finding(line, keyword, f"{text} {fault}")


def _faults(parts: Sequence[Part], mixed: bool) -> Iterator[str]:
    words = [part.said for part in parts if not isinstance(part, int)]
    if not any(any(map(str.isalpha, word)) for word in words):
        if len(words) == len(parts):
            yield "says nothing"
        return
    # An index stands for words, so a mark after it follows a word.
    text = " ".join("x" if isinstance(part, int) else part.said for part in parts)
    if _MARKS_IN_A_ROW.search(text):
        yield "has two marks in a row"
    if len(parts) > _LONGEST:
        yield f"is {len(parts)} words long: nobody listens to more than {_LONGEST}"
    for word in words:
        if word.startswith("("):
            yield f"says the brackets of {word}"
        elif any(map(str.isdigit, word)):
            yield "has digits: write a number as a word"
        elif mixed and word.isupper() and len(re.sub(r"\W", "", word)) > _ACRONYM:
            yield f"shouts {word}"
    if mixed and not text.endswith(_END_MARKS):
        yield "has no mark at its end"
