"""Script text -> Script, with the load errors of the 1966 program's recreation and their lines.

script      := list ["START"] item*
item        := "()" | "(MEMORY" keyword form form form form ")" | "(" keyword part+ ")"
             | "(EXPRESSION (" (name percent)+ ")" [number] ("(" list reassembly+ ")")+ ")"
part        := "=" symbol | number | "DLIST" list | "(" list reassembly+ ")" | "(" "=" symbol ")"
form        := "(" element+ "=" word+ ")"
reassembly  := "(" "PRE" list "(" "=" symbol ")" ")" | "(" "=" symbol ")" | "(" "NEWKEY" ")" | list

EXPRESSION rules are our own; the 1966 language has no word for a voice. What they look like did not load in 1966, so
every script of then means what it meant, one with a keyword EXPRESSION included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from elizad.eliza.lexer import Kind, Lexer, Token
from elizad.eliza.match import Decomposition
from elizad.eliza.script import (
    EXPRESSION,
    NO_CURSOR,
    NONE,
    ExpressionRule,
    Link,
    MemoryForm,
    NewKey,
    Part,
    Pre,
    Reassembly,
    Rule,
    Say,
    Script,
    Transformation,
    Word,
)
from elizad.errors import ScriptError

T = TypeVar("T")

Spelling = Callable[[str, str], str]
"""(a script word as written, the same after the character filter) -> how replies spell it."""

_OPEN, _CLOSE, _NUMBER, _END = Kind.OPEN, Kind.CLOSE, Kind.NUMBER, Kind.END  # found more quickly than in there
_MAX_NUMBER: Final = 2**31 - 1  # what the reference's int holds
_MAX_REASSEMBLIES: Final = 2**16 - 1  # what a cursor of the state can count
_FORMS: Final = 4
_FORM_HELP: Final = (
    "; expected form is (MEMORY keyword (decomp1=reassm1)(decomp2=reassm2)(decomp3=reassm3)(decomp4=reassm4))"
)
_SEE: Final = "; see Jan 1966 CACM page 41"
_SIX_CHARACTERS: Final = "USE_SIX_CHAR_MATCHING_BEHAVIOR"


def filtered(written: str, key: str) -> str:
    """Spell a script word as the 1966 program does: after the character filter."""
    return key


def parse_script(source: str, spelling: Spelling = filtered) -> Script:
    """Compile a script.

    Raises:
        ScriptError: the script does not load; the message and the line are those of the reference.
    """
    return _Parser(source, spelling).script()


class _Draft(NamedTuple):
    """A transformation whose pattern waits until every tag of the script is known."""

    elements: tuple[str, ...]
    reassemblies: tuple[Reassembly, ...]
    line: int


@dataclass(slots=True)
class _RuleDraft:
    keyword: str
    line: int
    substitute: Word | None = None
    rank: int = 0
    tags: tuple[str, ...] = ()
    drafts: list[_Draft] = field(default_factory=list)
    link: str | None = None


class _Parser:
    def __init__(self, source: str, spelling: Spelling) -> None:
        self._lexer = Lexer(source)
        self._spelling = spelling
        self._spelt: dict[str, Word] = {}
        self._patterns: dict[tuple[str, ...], Decomposition] = {}
        self._rules: dict[str, _RuleDraft] = {}
        self._expressions: list[tuple[tuple[tuple[str, int], ...], _RuleDraft]] = []
        self._memory: tuple[str, list[tuple[tuple[str, ...], tuple[Part, ...]]]] | None = None
        self._links: list[tuple[str, int]] = []
        self._cursors = 0
        self._most_turns = 0

    def script(self) -> Script:
        opening = self._words()
        if self._lexer.peek().key == "START":
            self._lexer.next()
        while self._lexer.peek().kind is not Kind.END:
            self._item()
        return self._finish(opening)

    # -- items ---------------------------------------------------------------------------------------------------

    def _item(self) -> None:
        self._expect(Kind.OPEN, "expected '('")
        token = self._lexer.next()
        if token.kind is Kind.CLOSE:
            return
        if token.kind is not Kind.SYMBOL:
            raise self._error("expected keyword|MEMORY|NONE")
        line = self._lexer.line
        if token.key == "MEMORY":
            self._memory_rule()
        elif token.key == EXPRESSION and self._lexer.peek().kind is Kind.OPEN:
            bracket = self._lexer.next()
            inside = self._lexer.peek()
            if inside.kind is Kind.SYMBOL and inside.key != "=":
                self._expression_rule(line)
            else:
                self._keyword_rule(token.key, line, bracket)
        else:
            self._keyword_rule(token.key, line)

    def _keyword_rule(self, keyword: str, line: int, first: Token | None = None) -> None:
        """Read the rest of a rule; `first` is its first token if that has been taken already."""
        if keyword in self._rules:
            raise self._error(f"keyword rule already specified for keyword '{keyword}'")
        rule = _RuleDraft(keyword, line)
        parts = 0
        while (token := first or self._lexer.next()).kind is not Kind.CLOSE:
            first = None
            parts += 1
            if token.kind is Kind.OPEN:
                if self._lexer.peek().key == "=":
                    rule.link = self._rule_link()
                    break
                rule.drafts.append(self._transformation())
            elif token.kind is Kind.NUMBER:
                rule.rank = self._number(token)
            elif token.key == "=":
                rule.substitute = self._word(self._expect(Kind.SYMBOL, "expected keyword"))
            elif token.key == "DLIST":
                rule.tags = self._tags()
            else:
                raise self._error("malformed rule")
        if not parts:
            raise self._error(f"keyword '{keyword}' has no associated body")
        self._rules[keyword] = rule

    def _expression_rule(self, line: int) -> None:
        """Read the rest of `(EXPRESSION (TIREDNESS 60 CALMNESS 40) 12 ((0) (You sound tired.)))`."""
        needs: list[tuple[str, int]] = []
        while (token := self._lexer.next()).kind is not Kind.CLOSE:
            if token.kind is not Kind.SYMBOL:
                raise self._error("expected the name of an expression, such as TIREDNESS")
            percent = self._expect(Kind.NUMBER, f"expected how strong {token.key} must be, from 1 to 100")
            needs.append((token.key, self._number(percent)))
        shown = " ".join(f"{name} {percent}" for name, percent in needs)
        rule = _RuleDraft(f"{EXPRESSION} ({shown})", line)
        while (token := self._lexer.next()).kind is not Kind.CLOSE:
            if token.kind is Kind.NUMBER and not rule.drafts:
                rule.rank = self._number(token)
            elif token.kind is Kind.OPEN:
                draft = self._transformation()
                if not all(isinstance(one, Say | NewKey) for one in draft.reassemblies):
                    raise self._error("an EXPRESSION rule says something or gives up with NEWKEY: it cannot link")
                rule.drafts.append(draft)
            else:
                raise self._error("malformed EXPRESSION rule: expected a rank or a decomposition with its reassemblies")
        if not rule.drafts:
            raise self._error("this EXPRESSION rule says nothing")
        self._expressions.append((tuple(needs), rule))

    def _rule_link(self) -> str:
        self._lexer.next()  # the "="
        target = self._expect(Kind.SYMBOL, "expected keyword").key
        self._links.append((target, self._lexer.line))
        self._expect(Kind.CLOSE, "expected ')'")
        self._expect(Kind.CLOSE, "expected ')'")  # of the rule: a link is its last part
        return target

    def _tags(self) -> tuple[str, ...]:
        return tuple(word.key.removeprefix("/") for word in self._words() if word.key != "/")

    def _transformation(self) -> _Draft:
        line = self._lexer.line
        elements = tuple(word.key for word in self._words())
        if not elements:
            raise self._error("decompose pattern cannot be empty")
        reassemblies = [self._reassembly(len(elements))]
        while self._lexer.peek().kind is Kind.OPEN:
            reassemblies.append(self._reassembly(len(elements)))
        self._expect(Kind.CLOSE, "expected ')'")
        if len(reassemblies) > _MAX_REASSEMBLIES:
            raise self._error(f"more than {_MAX_REASSEMBLIES} reassemblies for one decomposition")
        return _Draft(elements, tuple(reassemblies), line)

    def _reassembly(self, elements: int) -> Reassembly:
        self._expect(Kind.OPEN, "expected '('")
        if self._lexer.peek().key == "PRE":
            self._lexer.next()
            parts = self._parts()
            self._check_indexes(parts, elements)
            target = self._parts()
            self._expect(Kind.CLOSE, "expected ')'")
            keyword = _link_target(target)
            if keyword is None:
                raise self._error("expected (=keyword) as the second list of PRE")
            self._links.append((keyword, self._lexer.line))
            return Pre(parts, keyword)
        parts = self._parts_rest()
        if (keyword := _link_target(parts)) is not None:
            self._links.append((keyword, self._lexer.line))
            return Link(keyword)
        if len(parts) == 1 and isinstance(parts[0], Word) and parts[0].key == "NEWKEY":
            return NewKey()
        self._check_indexes(parts, elements)
        return Say(parts)

    def _memory_rule(self) -> None:
        if self._memory is not None:
            raise self._error("MEMORY rule already specified")
        keyword = self._expect(Kind.SYMBOL, f"expected keyword to follow MEMORY{_FORM_HELP}").key
        forms = [self._memory_form() for _ in range(_FORMS)]
        self._expect(Kind.CLOSE, f"expected ')'{_FORM_HELP}")
        self._memory = (keyword, forms)

    def _memory_form(self) -> tuple[tuple[str, ...], tuple[Part, ...]]:
        """Read `(0 YOUR 0 = WHY YOUR 3)`. The elements are read flat: a bracket among them counts as a 0."""
        self._expect(Kind.OPEN, f"expected '('{_FORM_HELP}")
        elements: list[str] = []
        while (token := self._lexer.next()).key != "=" and token.kind is not Kind.END:
            elements.append(token.key or "0")
        if not elements:
            raise self._error(f"expected 'decompose_terms = reassemble_terms'{_FORM_HELP}")
        if token.kind is Kind.END:
            raise self._error(f"expected '='{_FORM_HELP}")
        parts: list[Part] = []
        while (token := self._lexer.next()).kind not in (Kind.CLOSE, Kind.END):
            # A bracket here reads as the number 0, which is out of range.
            parts.append(self._part(token) if token.kind is not Kind.OPEN else 0)
        if not parts:
            raise self._error(f"expected 'decompose_terms = reassemble_terms'{_FORM_HELP}")
        if token.kind is Kind.END:
            raise self._error(f"expected ')'{_FORM_HELP}")
        self._check_indexes(parts, len(elements))
        return tuple(elements), tuple(parts)

    # -- lists and words -----------------------------------------------------------------------------------------

    def _words(self) -> tuple[Word, ...]:
        """Read a list in which a number is a word like any other."""
        self._expect(Kind.OPEN, "expected '('")
        return tuple(self._rest(self._word))

    def _parts(self) -> tuple[Part, ...]:
        """Read a list in which a number is an index."""
        self._expect(Kind.OPEN, "expected '('")
        return self._parts_rest()

    def _parts_rest(self) -> tuple[Part, ...]:
        return tuple(self._rest(self._part))

    def _part(self, token: Token) -> Part:
        return self._number(token) if token.kind is _NUMBER else self._word(token)

    def _rest(self, read: Callable[[Token], T]) -> list[T | Word]:
        """Read the rest of a list whose bracket is already open; an inner list becomes one word with its brackets."""
        found: list[T | Word] = []
        following = self._lexer.next
        while (kind := (token := following()).kind) is not _CLOSE:
            if kind is _OPEN:
                found.append(self._inner_list())
            elif kind is _END:
                raise self._error("expected ')'")
            else:
                found.append(read(token))
        return found

    def _inner_list(self) -> Word:
        words: list[Word] = []
        while (token := self._lexer.next()).kind is not Kind.CLOSE:
            if token.kind is not Kind.SYMBOL:
                raise self._error("expected symbol")
            words.append(self._word(token))
        return Word("(" + " ".join(w.key for w in words) + ")", "(" + " ".join(w.said for w in words) + ")")

    def _word(self, token: Token) -> Word:
        word = self._spelt.get(token.written)
        if word is None:
            word = self._spelt[token.written] = Word(token.key, self._spelling(token.written, token.key))
        return word

    def _number(self, token: Token) -> int:
        """Read an index or a rank, which the reference keeps in 32 bits."""
        digits = token.key.lstrip("0") or "0"
        if len(digits) > len(str(_MAX_NUMBER)) or int(digits) > _MAX_NUMBER:
            raise self._error(f"number '{digits[:12]}' is too large")
        return int(digits)

    def _check_indexes(self, parts: Sequence[Part], elements: int) -> None:
        for part in parts:
            if isinstance(part, int) and not 1 <= part <= elements:
                raise self._error(f"reassembly index '{part}' out of range [1..{elements}]")

    def _expect(self, kind: Kind, message: str) -> Token:
        token = self._lexer.next()
        if token.kind is not kind:
            raise self._error(message)
        return token

    def _error(self, message: str) -> ScriptError:
        return ScriptError(message, self._lexer.line)

    # -- the whole -----------------------------------------------------------------------------------------------

    def _finish(self, opening: tuple[Word, ...]) -> Script:
        none = self._rules.pop(NONE, None)  # kept apart, so that no word of the user reaches it
        if none is None:
            raise ScriptError(f"no NONE rule specified{_SEE}")
        if self._memory is None:
            raise ScriptError(f"no MEMORY rule specified{_SEE}")
        memory_keyword, forms = self._memory
        if memory_keyword not in self._rules:
            raise ScriptError(f"MEMORY rule keyword '{memory_keyword}' is not also a keyword in its own right{_SEE}")
        for target, line in self._links:
            if target not in self._rules:
                raise ScriptError(f"'={target}' referenced keyword does not exist", line)
        tags: dict[str, frozenset[str]] = {}
        for draft in (*self._rules.values(), none):
            for tag in draft.tags:
                tags[tag] = tags.get(tag, frozenset()) | {draft.keyword}
        marker = self._rules.get(_SIX_CHARACTERS)
        six = marker is not None and marker.tags == (_SIX_CHARACTERS,) and tags[_SIX_CHARACTERS] == {_SIX_CHARACTERS}
        rules = {keyword: self._rule(draft, tags, six) for keyword, draft in self._rules.items()}
        for target, line in self._links:
            if not rules[target].active:
                raise ScriptError(f"'={target}' referenced keyword has no associated transformation rules", line)
        return Script(
            opening=opening,
            rules=rules,
            none=self._rule(none, tags, six),
            memory_keyword=memory_keyword,
            memory_forms=tuple(
                MemoryForm(Decomposition(elements, tags, six_characters=six), parts) for elements, parts in forms
            ),
            tags=tags,
            cursors=self._cursors,
            most_turns=self._most_turns,
            expressions=tuple(
                ExpressionRule(needs, self._rule(draft, tags, six, counted=False)) for needs, draft in self._expressions
            ),
        )

    def _rule(self, draft: _RuleDraft, tags: dict[str, frozenset[str]], six: bool, *, counted: bool = True) -> Rule:
        transformations = []
        for elements, reassemblies, line in draft.drafts:
            pattern = self._patterns.get(elements)  # a third of a script's are not the first of their kind
            if pattern is None:
                pattern = self._patterns[elements] = Decomposition(elements, tags, six_characters=six)
            takes_turns = counted and len(reassemblies) > 1
            cursor = self._cursors if takes_turns else NO_CURSOR
            transformations.append(Transformation(pattern, reassemblies, cursor, line))
            if takes_turns:
                self._cursors += 1
                self._most_turns = max(self._most_turns, len(reassemblies))
        return Rule(
            keyword=draft.keyword,
            substitute=draft.substitute,
            rank=draft.rank,
            tags=draft.tags,
            transformations=tuple(transformations),
            link=draft.link,
            line=draft.line,
            active=bool(transformations) or draft.link is not None,
        )


def _link_target(parts: Sequence[Part]) -> str | None:
    """Return K when `parts` is exactly `= K`."""
    if len(parts) == 2 and isinstance(parts[0], Word) and parts[0].key == "=":
        return parts[1].key if isinstance(parts[1], Word) else str(parts[1])
    return None
