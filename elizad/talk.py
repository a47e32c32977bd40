"""A conversation in the terminal. With input from a pipe it is a filter: a line in, a reply line out."""

from __future__ import annotations

import io
import sys
import time
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TextIO

from elizad import agent
from elizad.conversation.guide import Guide
from elizad.conversation.remarks import Remarks
from elizad.conversation.said import AlreadySaid
from elizad.conversation.steering import Decision, TurnContext
from elizad.eliza import Eliza, State, Step
from elizad.eliza.expressions import score
from elizad.errors import EndlessScript
from elizad.guidance import make_guide
from elizad.mind import make_eliza
from elizad.ops import logs
from elizad.ops.config import ScriptMode, Settings
from elizad.speech.annotations import context, parse_expressions, split_annotations
from elizad.speech.farewell import is_goodbye
from elizad.types import Role, Utterance

if TYPE_CHECKING:
    from elizad.service.responder import Borrowed


def talk(script: str | None, mode: ScriptMode | None, trace: bool, settings: Settings) -> int:
    """Talk until the end of input and return the exit code; what is not given comes from the settings.

    Raises:
        ConfigError: the script cannot be used.
    """
    mode = mode or settings.eliza.mode
    name = script or settings.eliza.script
    eliza = make_eliza(name, mode, spell_numbers=settings.speech.spell_numbers)
    guide = None if mode == "1966" else make_guide(settings)  # the program of then has nothing beside it
    borrowed = None
    if settings.agent.respond and guide is not None and script is None:  # who names a script wants to hear ELIZA
        from elizad.responders import borrowed_mind  # trio, which ELIZA does without

        borrowed = borrowed_mind(settings)
        logs.configure(settings.log.level, settings.log.format, settings.log.color)  # which tell of its failures
    talker = Talker(eliza, guide, trace, borrowed)
    if sys.stdin.isatty() and sys.stdout.isatty():
        from elizad.terminal import converse  # rich, which a filter does without

        return converse(talker, name, mode)
    return _filter(talker, sys.stdin.buffer, sys.stdout, sys.stderr)


class Reply(NamedTuple):
    """What is answered, how it came about if that was asked for, and whether it is the end of the conversation."""

    text: str
    steps: list[Step]
    ends: bool = False


class Talker:
    """One conversation with ELIZA, guided as a call is. A line may end in `{very tired}`, as Hume writes it."""

    def __init__(self, eliza: Eliza, guide: Guide | None, trace: bool, borrowed: Borrowed | None = None) -> None:
        """`borrowed` answers in ELIZA's place; a guide comes before either."""
        self._eliza = eliza
        self._borrowed = borrowed
        self._session = agent.Session("talk")
        self._guide = guide
        self._remarks = Remarks(eliza)
        self._trace = trace
        self._state = eliza.start()
        self._transcript: list[Utterance] = []
        self._turn = 0
        self._began = time.monotonic()

    def opening(self) -> str:
        """Return what ELIZA says first."""
        text = self._eliza.opening
        if self._guide is not None:
            text = self._guide.hush(self._guide.disclosed(text, 0, AlreadySaid()))
        self._transcript.append(Utterance(Role.ASSISTANT, text))
        return text

    def answer(self, line: str) -> Reply:
        """Answer one line; a script that goes in circles costs the reply, and the conversation goes on."""
        if self._guide is None:
            return Reply(*self._asked(line))
        heard, groups = split_annotations(line)
        now = self._context(heard, groups)
        decision = self._guide.steering.look(now)
        before = self._state
        text, steps = self._asked(heard)
        if decision is None or decision.then == "go_on":
            text = self._remark(before, now, steps) or text
            if self._borrowed is not None:
                text = self._borrow(self._borrowed, now, text)
        reply = Reply(text, steps)
        if decision is not None:
            reply = self._steered(decision, reply)
        reply = reply._replace(text=self._guide.hush(reply.text))
        self._transcript += Utterance(Role.USER, heard or "..."), Utterance(Role.ASSISTANT, reply.text)
        return reply

    def _context(self, heard: str, groups: tuple[str, ...]) -> TurnContext:
        assert self._guide is not None
        self._turn += 1
        phrases = (phrase for group in groups for phrase in parse_expressions(group) or ())
        return TurnContext(
            heard=heard,
            turn=self._turn,
            platform="talk",
            expressions=dict(filter(None, (score(*phrase) for phrase in phrases))),
            context=context(groups),
            variables=self._facts(),
            seconds_left=self._guide.clock.seconds_left(time.monotonic() - self._began, None),
            leaving=is_goodbye(heard),
            said=AlreadySaid(tuple(self._transcript)),
        )

    def _facts(self) -> dict[str, str]:
        if self._borrowed is None:
            return {}
        from elizad.service.responder import facts_of

        return facts_of(self._session.data)

    def _asked(self, text: str) -> tuple[str, list[Step]]:
        steps: list[Step] = []
        try:
            self._state, reply = self._eliza.reply(self._state, text, steps if self._trace else None)
        except EndlessScript as error:
            print(f"elizad: {error}", file=sys.stderr)
            reply = ""
        return reply, steps

    def _borrow(self, borrowed: Borrowed, now: TurnContext, eliza: str) -> str:
        import trio

        from elizad.service.responder import respond

        assert self._guide is not None
        spell = self._guide.spell
        heard = Utterance(Role.USER, now.heard)
        turn = agent.Turn(
            transcript=(*self._transcript, heard),
            utterance=now.heard,
            platform="talk",
            session=self._session,
            expressions=now.expressions,
            seconds_left=now.seconds_left,
            ask_eliza=lambda: eliza,
        )
        said: list[str] = []

        async def speak(text: str) -> None:
            said.append(text)

        async def reply() -> None:
            patience = borrowed.patience
            await respond(borrowed.respond, turn, speak, unit="sentence", patience=patience, spell=spell, conn="talk")

        trio.run(reply)
        return "".join(said)

    def _remark(self, before: State, now: TurnContext, steps: list[Step]) -> str | None:
        voice = self._remarks.voice(now.expressions, now.said)
        if voice is None:
            return None
        try:
            return self._eliza.remark(before, now.heard, voice, steps if self._trace else None)
        except EndlessScript:
            return None  # told already

    def _steered(self, decision: Decision, reply: Reply) -> Reply:
        assert self._guide is not None
        say = self._guide.spell(decision.say)
        text = f"{say} {reply.text}".strip() if decision.then == "go_on" else say
        steps = [*reply.steps, Step("steered", f"{decision.rule}: {decision.then}")] if self._trace else []
        return Reply(text, steps, decision.then == "end")


def _filter(talker: Talker, lines: BinaryIO, out: TextIO, err: TextIO) -> int:
    """Print the opening line, then one line for each line of input. The explanation of a trace goes to `err`."""
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(encoding="utf-8", errors="surrogatepass")
    print(talker.opening(), file=out, flush=True)
    for number, line in enumerate(lines, 1):
        try:
            text = line.removesuffix(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            print(f"elizad: input line {number} is not UTF-8 (byte {error.start + 1}): not heard", file=err)
            print(file=out, flush=True)
            continue
        reply = talker.answer(text)
        for step in reply.steps:
            print(f"{step.label}: {step.detail}", file=err)
        print(reply.text, file=out, flush=True)
        if reply.ends:
            break
    return 0
