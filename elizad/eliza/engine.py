"""ELIZA: a pure function from (state, what was said) to (state, reply).

This is the program of Weizenbaum's 1966 paper as its later recreation runs it. A script is compiled once and shared;
a State is an immutable value per conversation, so that a turn is undone by keeping the old one.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from operator import length_hint
from typing import Final, NamedTuple

from elizad.eliza.diction import FAITHFUL, Diction
from elizad.eliza.expressions import BY_SCRIPT_NAME, Voice
from elizad.eliza.match import Decomposition
from elizad.eliza.memory import form_for
from elizad.eliza.parser import parse_script
from elizad.eliza.resume import identity_of
from elizad.eliza.script import (
    NO_CURSOR,
    ExpressionRule,
    NewKey,
    Part,
    Pre,
    Reassembly,
    Rule,
    Say,
    Script,
    Word,
    describe,
)
from elizad.errors import EndlessScript

DELIMITERS: Final = frozenset((",", ".", "BUT"))

# A four-state busy beaver, which is a legal script, takes about a hundred steps; nothing sane takes a thousand
# times that.
MAX_STEPS: Final = 100_000
_NO_KEYWORD: Final = -1  # the rank of NONE and of a memory: any rule of an expression stands above

# PRE can double the text at each step: long texts use the steps up faster, one for each so many words.
_WORDS_PER_STEP: Final = 64

_make: Final = tuple.__new__  # of a NamedTuple, in half the time
_Stretch = int | tuple[list[str], list[str]]  # the number of a part, or words that stand side by side: as keys, as said

_Heeded = tuple[Rule | None, int, Word | None]  # a rule that can answer, its rank, and what the word becomes
_BORDER: Final[_Heeded] = (None, 0, None)  # what a delimiter is heeded for


class State(NamedTuple):
    """What one conversation has come to: the LIMIT counter, whose turn each reassembly is, and what is remembered.

    `cursors` holds a number for each transformation of the script with more than one reassembly: of eight bits if that
    is enough for all of them, else of sixteen. Nobody changes those of a state.
    """

    limit: int
    cursors: array  # type: ignore[type-arg]  # who stores it looks at its type, and Python 3.11 cannot name its items
    memories: tuple[str, ...]


class Step(NamedTuple):
    """One line of the explanation of a reply."""

    label: str
    detail: str


@dataclass(slots=True, init=False, eq=False)
class _Turn:
    """The workings of one reply; thrown away with it."""

    limit: int
    cursors: array[int]
    memories: tuple[str, ...]
    trace: list[Step] | None
    stack: list[Rule]  # of keywords
    heard: list[str]  # the keys of the clause before words were substituted
    keys: list[str]
    said: list[str]  # how they are spelt
    mirrored: bool  # whether that has the person turned round
    rank: int  # of the caller's keyword that the answer is for
    remarks: int  # that were made on the voice; of a remark only

    def note(self, label: str, detail: str) -> None:
        if self.trace is not None:
            self.trace.append(Step(label, detail))


class Eliza:
    """A script with a diction; stateless and shared by all conversations."""

    def __init__(self, source: str, diction: Diction = FAITHFUL, *, max_steps: int = MAX_STEPS) -> None:
        """Compile `source`.

        Raises:
            ScriptError: the script does not load.
        """
        self.script: Final[Script] = parse_script(source, diction.spelling(source))
        self.faithful: Final = diction is FAITHFUL
        self.identity: Final = identity_of(source, type(diction).__name__, self.script)
        self._diction = diction
        self._hear: Final = diction.hear
        self._max_keywords = sys.maxsize if diction.max_keywords is None else diction.max_keywords
        self._max_steps = max_steps
        # Only a substitute or a PRE can bring a word with a space in it into the text.
        self._respaced = any(" " in word for word in self.script.inserted)
        heeded = {
            keyword: (rule if rule.active else None, rule.rank, rule.substitute)
            for keyword, rule in self.script.rules.items()
            if rule.active or rule.substitute is not None
        } | dict.fromkeys(DELIMITERS, _BORDER)
        self._find: Final[Callable[[str], _Heeded | None]] = heeded.get
        self._memory_rule: Final = self.script.rules[self.script.memory_keyword]
        # Replies without the caller's words, as most are, and all replies cut into stretches: made when first used, no
        # more than the script has, by the identity of its pieces, which live as long as this does.
        self._whole: Final[dict[int, str]] = {}
        self._laid_out: Final[dict[int, tuple[_Stretch, ...]]] = {}
        cursors = array("B" if self.script.most_turns <= 256 else "H", [0] * self.script.cursors)
        self._start: Final = State(1, cursors, ())
        self.opening: Final[str] = diction.utter([word.said for word in self.script.opening])

    def start(self) -> State:
        """Return the state of a conversation that has not begun."""
        return self._start

    def reply(self, state: State, text: str, trace: list[Step] | None = None) -> tuple[State, str]:
        """Answer `text`, any text at all; `trace`, if given, gets one Step for each thing that was decided.

        Raises:
            EndlessScript: the script goes round in a circle. The old state is still good.
        """
        turn = self._read(state, text, trace)
        if not turn.stack and turn.limit == 4 and turn.memories:
            answer, turn.memories = turn.memories[0], turn.memories[1:]
            if turn.trace is not None:
                turn.note("memory", f"recalled: {answer}")
        else:
            answer = self._answer(turn)
        return _make(State, (turn.limit, turn.cursors, turn.memories)), answer

    def remark(self, state: State, text: str, voice: Voice, trace: list[Step] | None = None) -> str | None:
        """Answer how `text` was said instead of what was said; None when the words are to be answered.

        A rule for expressions answers when its rank is above that of the keyword which `reply` would answer. `state`
        is the one before this text, and stays as it is: what comes after the text depends on its words alone.

        Raises:
            EndlessScript: as `reply`.
        """
        heard = [one for one in self.script.expressions if self._has(voice, one)]
        if not heard:
            return None
        words = self._read(state, text, None)
        turn = copy(words)
        turn.trace, turn.remarks = trace, voice.remarks
        if words.stack or not (words.limit == 4 and words.memories):
            self._answer(words)
        for one in sorted(heard, key=lambda one: -one.rule.rank):
            if one.rule.rank <= words.rank:
                turn.note("expression", f"{one.rule.keyword}, rank {one.rule.rank}, gives way to rank {words.rank}")
                break
            turn.note("expression", f"{one.rule.keyword}, rank {one.rule.rank}, is heard")
            chosen = self._transform(turn, one.rule)
            if chosen is None:
                continue
            taken, decomposition, places = chosen
            if isinstance(taken, Say):
                return self._say(turn, taken, decomposition, places)
        return None

    def _has(self, voice: Voice, one: ExpressionRule) -> bool:
        scores = voice.scores
        return all(scores.get(BY_SCRIPT_NAME.get(name, ""), 0.0) * 100 >= percent for name, percent in one.needs)

    # -- reading -------------------------------------------------------------------------------------------------

    def _read(self, state: State, text: str, trace: list[Step] | None) -> _Turn:
        """Choose the clause, stack its keywords and substitute words, in one pass from left to right."""
        heard, said = self._hear(text)
        stack: list[Rule] = []
        top = 0
        begin, end = 0, len(heard)
        keys = heard
        for index, found in enumerate(map(self._find, heard)):
            if found is None:
                continue
            rule, rank, substitute = found
            if rule is not None:
                if rank > top:
                    stack.insert(0, rule)
                    top = rank
                else:
                    stack.append(rule)
            elif substitute is None:  # a border between clauses
                if stack:
                    end = index
                    break
                begin = index + 1
            if substitute is not None:
                if keys is heard:
                    keys = heard.copy()
                keys[index], said[index] = substitute
        if len(stack) > self._max_keywords:
            del stack[self._max_keywords :]
        if begin or end < len(heard):
            heard, keys, said = heard[begin:end], keys[begin:end], said[begin:end]
        turn = _Turn()
        turn.limit = state.limit % 4 + 1
        turn.cursors = state.cursors[:]
        turn.memories = state.memories
        turn.trace = trace
        turn.stack = stack
        turn.heard = heard
        turn.keys = keys
        turn.said = said
        turn.mirrored = False
        turn.rank = _NO_KEYWORD
        if trace is not None:
            turn.note("clause", " ".join(keys))
            turn.note("keywords", ", ".join(f"{rule.keyword} (rank {rule.rank})" for rule in stack) or "none")
        return turn

    def _said(self, turn: _Turn) -> list[str]:
        """Return the words of the text as they are said back: made when asked for, as most replies need none."""
        if not turn.mirrored:
            turn.said = self._diction.mirror(turn.heard, turn.keys, turn.said)
            turn.mirrored = True
        return turn.said

    # -- answering -----------------------------------------------------------------------------------------------

    def _answer(self, turn: _Turn) -> str:
        rules, memory_rule = self.script.rules, self._memory_rule
        tracing = turn.trace is not None
        steps = 0
        left = iter(turn.stack)
        for rule in left:
            turn.rank = rule.rank
            while True:
                if rule is memory_rule:
                    self._remember(turn)
                chosen = self._transform(turn, rule)
                if chosen is None:
                    if rule.link is None:
                        return self._built_in(turn)
                    link = rule.link
                    if tracing:
                        turn.note("link", f"nothing fits, on to {link}")
                else:
                    taken, decomposition, places = chosen
                    if type(taken) is Say:
                        return self._say(turn, taken, decomposition, places)
                    if type(taken) is NewKey:
                        if tracing:
                            more = length_hint(left)
                            turn.note("newkey", "on to the next keyword" if more else "no keyword is left")
                        break
                    link = taken.keyword
                    if type(taken) is Pre:
                        self._rewrite(turn, taken.parts, decomposition, places)
                        if tracing:
                            turn.note("rewritten", " ".join(turn.keys))
                    elif tracing:
                        turn.note("link", f"on to {link}")
                rule = rules[link]
                # Links are counted; keywords that give up are not, since a text has only so many.
                steps += 1 + len(turn.keys) // _WORDS_PER_STEP
                if steps > self._max_steps:
                    raise EndlessScript(
                        f"a reply took more than {self._max_steps} steps: the script's links go round in a circle"
                    )
        turn.rank = _NO_KEYWORD
        return self._none(turn)

    def _none(self, turn: _Turn) -> str:
        """Answer what no keyword answers: the NONE rule's words, or the text itself if it has anything but words."""
        chosen = self._transform(turn, self.script.none)
        if chosen is not None:
            taken, decomposition, places = chosen
            if isinstance(taken, Say):
                return self._say(turn, taken, decomposition, places)
            if isinstance(taken, Pre):
                self._rewrite(turn, taken.parts, decomposition, places)
        return self._diction.utter(self._said(turn))

    def _built_in(self, turn: _Turn) -> str:
        if turn.trace is not None:
            turn.note("built in", f"no decomposition fits: message {turn.limit}")
        return self._diction.messages[turn.limit - 1]

    def _transform(self, turn: _Turn, rule: Rule) -> tuple[Reassembly, Decomposition, list[int]] | None:
        """Find the first decomposition of a rule that fits the text; take the reassembly whose turn it is."""
        possible, hinted, tried, free = rule.tries
        if hinted:
            for word in turn.keys:
                if word in hinted:
                    possible |= hinted[word]
        while possible:
            lowest = possible & -possible
            transformation = tried[lowest]
            places = transformation.decomposition.lay(turn.keys)
            if places is not None:
                break
            possible ^= lowest
        else:
            if free is None:
                return None
            transformation, places = free, [0, len(turn.keys)]
        reassemblies, cursor = transformation.reassemblies, transformation.cursor
        count, index = len(reassemblies), 0
        if count > 1:
            if cursor == NO_CURSOR:
                index = turn.remarks % count
            else:
                index = turn.cursors[cursor]
                turn.cursors[cursor] = (index + 1) % count
        taken = reassemblies[index]
        if turn.trace is not None:
            turn.note("rule", rule.keyword)
            turn.note("decomposition", _laid(transformation.decomposition, turn.keys, places))
            turn.note("reassembly", f"{index + 1} of {count}: {describe(taken)}")
        return taken, transformation.decomposition, places

    def _remember(self, turn: _Turn) -> None:
        """Lay a memory, if the form that the text's last word chooses fits the text."""
        if not turn.keys:
            return
        number = form_for(turn.keys[-1])
        form = self.script.memory_forms[number]
        places = form.decomposition.lay(turn.keys)
        if places is None:
            if turn.trace is not None:
                turn.note("memory", f"form {number + 1} does not fit, nothing is laid")
            return
        text = self._diction.utter(self._build(form.parts, form.decomposition, places, self._said(turn), 1))
        most = self._diction.max_memories
        turn.memories = (*(turn.memories if most is None else turn.memories[1 - most :]), text)
        if turn.trace is not None:
            turn.note("memory", f"laid with form {number + 1}: {text}")

    # -- building ------------------------------------------------------------------------------------------------

    def _say(self, turn: _Turn, say: Say, decomposition: Decomposition, places: list[int]) -> str:
        text = self._whole.get(id(say))
        if text is None:
            text = self._diction.utter(self._build(say.parts, decomposition, places, self._said(turn), 1))
            stretches = self._laid_out[id(say.parts)]
            if len(stretches) < 2 and not any(isinstance(stretch, int) for stretch in stretches):
                self._whole[id(say)] = text
        return text

    def _rewrite(self, turn: _Turn, parts: Sequence[Part], decomposition: Decomposition, places: list[int]) -> None:
        keys = self._build(parts, decomposition, places, turn.keys, 0)
        turn.said = self._build(parts, decomposition, places, self._said(turn), 1)
        turn.keys = keys
        if len(keys) != len(turn.said):  # a word with a space in it, split in one spelling and not in the other
            turn.said = keys

    def _build(
        self, parts: Sequence[Part], decomposition: Decomposition, places: list[int], words: list[str], spelling: int
    ) -> list[str]:
        """Lay `parts` out; `spelling` 0 takes the script's words as keys, 1 as they are said."""
        stretches = self._laid_out.get(id(parts))
        if stretches is None:
            stretches = self._laid_out[id(parts)] = _stretches(parts)
        built: list[str] = []
        for stretch in stretches:
            if isinstance(stretch, tuple):
                built += stretch[spelling]
            else:
                part = decomposition.part(words, places, stretch)
                built += filter(None, " ".join(part).split(" ")) if self._respaced else part
        return built


def _laid(decomposition: Decomposition, keys: list[str], places: list[int]) -> str:
    """Write what each element of a decomposition took."""
    numbered = enumerate(decomposition.elements, 1)
    return "  ".join(f"{i}:{element}=[{' '.join(decomposition.part(keys, places, i))}]" for i, element in numbered)


def _stretches(parts: Sequence[Part]) -> tuple[_Stretch, ...]:
    stretches: list[_Stretch] = []
    for part in parts:
        if isinstance(part, int):
            stretches.append(part)
        elif stretches and not isinstance(stretches[-1], int):
            stretches[-1][0].append(part.key)
            stretches[-1][1].append(part.said)
        else:
            stretches.append(([part.key], [part.said]))
    return tuple(stretches)
