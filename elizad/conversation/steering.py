"""Rules that are looked at before ELIZA, or any other mind, is asked: safety, the end of the time, one's own rules.

Pure: `Steering.look` takes what is known of a turn and says what to do, or None. What has been said before is read from
the transcript, so that the same transcript is steered in the same way on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from elizad.conversation.clock import NO_CLOCK, Clock, time_words
from elizad.conversation.patterns import Pattern
from elizad.conversation.phrases import fill_fields
from elizad.conversation.safety import Safety
from elizad.conversation.said import AlreadySaid, as_it_is, mark
from elizad.conversation.wording import Signs, Ways, letter_runs, written_out

Then = Literal["go_on", "stay", "end"]
"""What follows when the text has been said: the mind's own reply, nothing, or the end of the call."""

_FIELD_CHARS: Final = 80  # of what a caller said, when it is said back in a field


class TurnContext(NamedTuple):
    """What is known of a turn.

    `heard` is what the caller said, `turn` counts the caller's turns from 1, `expressions` go from 0 to 1 by Hume's
    names, `context` are texts that the application injected, `variables` the call's. `known` is a caller who has called
    before; `seconds_left` is None when the call has no end. `leaving` is a caller who has just said goodbye.
    """

    heard: str
    turn: int = 1
    platform: str = ""
    session: str | None = None
    known: bool = False
    expressions: Mapping[str, float] = {}
    context: Sequence[str] = ()
    variables: Mapping[str, str] = {}
    seconds_left: float | None = None
    leaving: bool = False
    said: AlreadySaid = AlreadySaid()


class Decision(NamedTuple):
    """What to say, and what then; `rule` is the name of what decided, for a log."""

    rule: str
    say: str
    then: Then


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: it fires when all of its conditions hold. An empty condition always holds.

    `words` and `context` hold for one of these ways of putting it (see wording.py) in what the caller said, or in an
    injected text; `pattern` is a regular expression (patterns.py) for what the caller said. `expression` has at least
    `score`. The turn is between `from_turn` and `to_turn`, of which 0 is no bound; `seconds_left` is the most that is
    left (0: whatever). `known_caller` is the first turn of somebody who has called before. `limit` is how often in a
    call, 0 for always; such a text is known again by its words.
    """

    name: str = ""
    words: tuple[str, ...] = ()
    pattern: str = ""
    expression: str = ""
    score: float = 0.5
    from_turn: int = 0
    to_turn: int = 0
    seconds_left: float = 0.0
    platform: str = ""
    known_caller: bool = False
    context: tuple[str, ...] = ()
    say: str = ""
    then: Then = "stay"
    limit: int = 0


@dataclass(slots=True)
class _Compiled:
    rule: Rule
    said_as: Callable[[str], str]
    words: Ways = field(init=False)
    context: Ways = field(init=False)
    pattern: Pattern | None = field(init=False)
    mark: str = field(init=False)

    def __post_init__(self) -> None:
        self.words, self.context = Ways(self.rule.words), Ways(self.rule.context)
        self.pattern = Pattern(self.rule.pattern) if self.rule.pattern else None
        self.mark = mark(self.rule.say, self.said_as)

    def fires(self, now: TurnContext, heard: str) -> dict[str, str] | None:
        """Return what the pattern's groups held if every condition holds; the cheap ones are asked first.

        `heard` is what the caller said, written out; empty if it has the words of no rule.
        """
        rule = self.rule
        if (
            now.turn < rule.from_turn
            or (rule.to_turn and now.turn > rule.to_turn)
            or (rule.platform and now.platform != rule.platform)
            or (rule.known_caller and not (now.known and now.turn == 1))
            or (rule.seconds_left and (now.seconds_left is None or now.seconds_left > rule.seconds_left))
            or (rule.expression and now.expressions.get(rule.expression, -1.0) < rule.score)
            or (rule.words and (not heard or self.words.search(heard) is None))
            or (rule.context and not any(self.context.search(written_out(text)) for text in now.context))
        ):
            return None
        groups = self.pattern.search(now.heard) if self.pattern is not None else {}
        if groups is None or (rule.limit and now.said.times([self.mark]) >= rule.limit):
            return None
        return groups


class Steering:
    """Safety first, then the end of the time, then one's own rules in their order; the warning beside these."""

    def __init__(
        self,
        rules: Sequence[Rule] = (),
        safety: Safety | None = None,
        clock: Clock = NO_CLOCK,
        said_as: Callable[[str], str] = as_it_is,
    ) -> None:
        """Compile `rules`. `said_as` makes of a text what is heard of it, and what stands in a transcript.

        Raises:
            ValueError: a rule's words or pattern cannot be used.
        """
        self._rules = [_Compiled(rule, said_as) for rule in rules]
        self._signs = Signs(compiled.words for compiled in self._rules)
        self._safety = safety
        self._danger = None if safety is None else safety.signs
        self._clock = clock
        self._timely_s = max(clock.warning_s, 0.0)  # with more time left the clock says nothing

    def may_decide(self, runs: Sequence[str], seconds_left: float | None) -> bool:
        """Say whether `look` may decide anything about a turn with these `letter_runs`.

        A False is certain, and quicker than to look.
        """
        if self._rules or (seconds_left is not None and seconds_left <= self._timely_s):
            return True
        return self._danger is not None and self._danger.are_among(runs)

    def look(self, now: TurnContext) -> Decision | None:
        """Decide about a turn; None leaves it to the mind."""
        if self._safety is not None and (care := self._safety.answer(now.heard, now.said)) is not None:
            return Decision(f"safety: {care[0]}", care[1], "stay")
        left = now.seconds_left
        if left is not None and left <= 0 and (closing := self.over(now)) is not None:
            return closing
        decision = self._ruled(now) if self._rules else None
        if left is None or left > self._clock.warning_s:
            return decision  # as nearly always
        if now.leaving or (decision is not None and decision.then == "end") or not self._clock.warns(now):
            return decision
        warning = fill_fields(self._clock.warning, _fields(now, {}))
        if decision is None:
            return Decision("time: warning", warning, "go_on")
        return Decision(f"time: warning; {decision.rule}", f"{warning} {decision.say}".strip(), decision.then)

    def over(self, now: TurnContext) -> Decision | None:
        """Return the closing remark if the time is over."""
        closing = self._clock.closes(now)
        return None if closing is None else Decision("time: over", fill_fields(closing, _fields(now, {})), "end")

    def _ruled(self, now: TurnContext) -> Decision | None:
        heard = written_out(now.heard) if self._signs.are_among(letter_runs(now.heard)) else ""
        for number, compiled in enumerate(self._rules):
            groups = compiled.fires(now, heard)
            if groups is not None:
                rule = compiled.rule
                say = fill_fields(rule.say, _fields(now, groups))
                return Decision(rule.name or f"steer[{number}]", say, rule.then)
        return None


def _fields(now: TurnContext, groups: Mapping[str, str]) -> dict[str, str]:
    """Return what `{name}` fields stand for: what the pattern found, the call's variables, and a few of our own."""
    ours = {
        "platform": now.platform,
        "session": now.session or "",
        "turn": str(now.turn),
        "time_left": time_words(now.seconds_left),
    }
    return ours | dict(now.variables) | {name: text[:_FIELD_CHARS] for name, text in groups.items() if text}


# -- rules that can never fire -----------------------------------------------------------------------------------


def faults(rules: Sequence[Rule], *, call_ends: bool) -> Iterator[tuple[int, str]]:
    """Yield (index, sentence) for every rule that can never fire, or that does nothing.

    `call_ends` says whether a call's length is set. What is said here is certain; not all that is wrong is found.
    """
    for index, rule in enumerate(rules):
        yield from ((index, why) for why in _contradictions(rule, call_ends))
        for earlier, other in enumerate(rules[:index]):
            if _covers(other, rule):
                yield index, f"never fires: steer[{earlier}] fires whenever this one could"
                break


def _contradictions(rule: Rule, call_ends: bool) -> Iterator[str]:
    if rule.to_turn and rule.to_turn < max(rule.from_turn, 1):
        yield f"never fires: no turn is from {rule.from_turn} to {rule.to_turn}"
    if rule.known_caller and rule.from_turn > 1:
        yield "never fires: known_caller is about the first turn, and from_turn is later"
    if rule.seconds_left and rule.platform in ("retell", "talk") and not call_ends:
        yield f'never fires: a call of "{rule.platform}" has no end unless conversation.length_s says so'
    if rule.platform == "retell":
        for name, value in (("expression", rule.expression), ("context", rule.context)):
            if value:
                yield f"never fires: Retell does not send what {name} asks for"
    if rule.platform == "evi" and rule.expression:
        yield "never fires: where elizad plays EVI itself, nobody hears expressions"
    if rule.score != Rule().score and not rule.expression:
        yield "has a score of no expression: it is not looked at"
    if not rule.say and rule.then == "stay":
        yield 'leaves the caller in silence: it has nothing to say and then = "stay"'
    if rule.limit and not mark(rule.say):
        yield "has a limit that cannot be kept: what it says has no words by which it could be known again"


def _covers(earlier: Rule, later: Rule) -> bool:
    """Whether `earlier` fires whenever `later` could."""
    return (
        not earlier.limit
        and (not earlier.words or (bool(later.words) and all(map(Ways(earlier.words).cover, later.words))))
        and (not earlier.context or (bool(later.context) and all(map(Ways(earlier.context).cover, later.context))))
        and earlier.pattern in ("", later.pattern)
        and (not earlier.expression or (earlier.expression == later.expression and earlier.score <= later.score))
        and earlier.from_turn <= max(later.from_turn, 1)
        and (not earlier.to_turn or 0 < (1 if later.known_caller else later.to_turn) <= earlier.to_turn)
        and (not earlier.seconds_left or 0 < later.seconds_left <= earlier.seconds_left)
        and earlier.platform in ("", later.platform)
        and (not earlier.known_caller or later.known_caller)
    )
