"""From the settings to what guides a conversation: steering rules, safety, the clock, disclosure, words never said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from elizad.conversation.clock import Clock
from elizad.conversation.guide import Guide
from elizad.conversation.hush import Hush
from elizad.conversation.safety import DANGERS, HELP, Help, Safety
from elizad.conversation.said import as_it_is
from elizad.conversation.steering import Rule, Steering, faults
from elizad.eliza.expressions import named
from elizad.errors import Problem
from elizad.ops.config import Settings

_GO_ON_UNTOLD: Final = "the caller is not told that the time is over, and nothing ends the call"


def make_guide(settings: Settings) -> Guide:
    """Return the guide that the settings describe."""
    spell, hush = as_it_is, Hush(settings.speech.never_say)
    if settings.eliza.mode == "spoken" and settings.speech.spell_numbers:
        from elizad.speech.numerals import spell_out

        spell = spell_out

    def heard(text: str) -> str:
        return hush(spell(text))

    wanted = settings.conversation
    warning, closing, disclosure = map(_one_line, (wanted.warning, wanted.closing, wanted.disclosure))
    clock = Clock(wanted.length_s, wanted.warning_s, warning, closing, heard)
    return Guide(Steering(_rules(settings), _safety(settings, heard), clock, heard), clock, disclosure, hush, spell)


def advice(settings: Settings) -> Iterator[Problem]:
    """Yield what is certain to be of no use although it can be read: rules that never fire, a time without an end."""
    for index, why in faults(_rules(settings), call_ends=settings.conversation.length_s > 0):
        yield Problem(f"steer[{index}]", why)
    conversation = settings.conversation
    if conversation.length_s and not conversation.closing:
        yield Problem("conversation.closing", _GO_ON_UNTOLD)
    if conversation.length_s and conversation.warning and conversation.warning_s >= conversation.length_s:
        yield Problem(
            "conversation.warning_s", "the warning comes with the first words: the call is no longer than that"
        )


def _rules(settings: Settings) -> list[Rule]:
    return [
        Rule(
            name=rule.name,
            words=rule.words,
            pattern=rule.pattern,
            expression=named(rule.expression) or "",
            score=rule.score,
            from_turn=rule.from_turn,
            to_turn=rule.to_turn,
            seconds_left=rule.seconds_left,
            platform=rule.platform,
            known_caller=rule.known_caller,
            context=rule.context,
            say=_one_line(rule.say),
            then=rule.then,
            limit=rule.limit,
        )
        for rule in settings.steer
    ]


def _safety(settings: Settings, heard: Callable[[str], str]) -> Safety | None:
    wanted = settings.safety
    if not wanted.enabled:
        return None
    local = HELP[wanted.locale]
    help_here = Help(wanted.emergency or local.emergency, wanted.line or local.line)
    return Safety(help_here, {danger: getattr(wanted, danger) for danger in DANGERS}, heard)


def _one_line(text: str) -> str:
    return " ".join(text.split())
