"""The load: many calls in one process of its own, as cheap as they can be in Python.

`python -m elizad.bench.load` reads orders from standard input and answers each with a line. Raw sockets, frames that
were made ahead, answers that are scanned and not decoded. The calls that it holds are looked after between orders.
"""

from __future__ import annotations

import gc
import heapq
import random
import sys
import time
from typing import Final

import msgspec

from elizad.bench import frames
from elizad.bench.crowd import PATIENCE_S, Crowd
from elizad.bench.line import Cut, Line, dial
from elizad.bench.orders import Answer, Answered, Failed, First, Held, Hold, Order, Survey, Surveyed, Talk, Talked
from elizad.bench.process import cpu_s
from elizad.call.numbers import percentile

_SEED: Final = 7  # callers begin to speak at the same times with each server


class Load:
    """Carries out orders. Each raises Cut when a server does what it should not, OSError when the machine does."""

    def __init__(self) -> None:
        self._held: list[Line] = []
        self._crowd = Crowd()

    def serve(self) -> None:
        """Carry out what standard input says, until it ends."""
        decoder = msgspec.json.Decoder(Order)
        while text := self._crowd.wait_for_order():
            try:
                answer: Answer = self.do(decoder.decode(text))
            except (Cut, OSError) as gone:
                self._crowd.drop()
                self._held.clear()
                answer = Failed(str(gone))
            sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
            sys.stdout.flush()

    def do(self, order: Order) -> Answer:
        """Carry out one order."""
        if isinstance(order, Survey):
            return self._survey(order)
        for _, cut in self._crowd.cut:  # a line that was held and should have been there still
            raise cut
        match order:
            case First():
                return self._first(order)
            case Hold():
                return self._hold(order)
            case Talk():
                return self._talk(order)

    def _first(self, order: First) -> Answered:
        turn = frames.turns(0, 0)[0]
        line = dial(order.target, order.patience_s)
        if line is None:
            return Answered(None)
        self._crowd.add(line)
        self._crowd.converse(line, turn)
        at = line.first_at
        self._crowd.leave([line])
        return Answered(at)

    def _hold(self, order: Hold) -> Held:
        surplus, self._held = self._held[order.calls :], self._held[: order.calls]
        self._crowd.leave(surplus)
        turn = frames.turns(0, 0)[0]
        while len(self._held) < order.calls:
            line = self._crowd.add(Line(order.target, PATIENCE_S))
            self._held.append(line)
            self._crowd.look_after(0)
        for line in self._held if order.talk else ():
            if not line.said:
                self._crowd.converse(line, turn)
                line.said = 1
        return Held(len(self._held))

    def _talk(self, order: Talk) -> Talked:
        script = frames.turns(order.history, order.turns)
        rounds: list[Round] = []
        while sum(r.elapsed_s for r in rounds) < order.seconds:
            lines = [self._crowd.add(Line(order.target, PATIENCE_S)) for _ in range(order.calls)]
            for line in lines:  # in turn: to take over a call in its middle is more than the next turn of it
                self._crowd.converse(line, script[0])
            rounds.append(Round(self._crowd, order, script, lines))
            rounds[-1].run()
            self._crowd.leave(lines)
        first = sorted(s for r in rounds for s in r.first)
        late = sorted(s for r in rounds for s in r.late)
        return Talked(
            turns=len(first),
            bytes_per_turn=sum(map(frames.size_of, script[1:])) / order.turns,
            elapsed_s=sum(r.elapsed_s for r in rounds),
            cpu_s=sum(r.cpu_s for r in rounds),
            load_s=sum(r.load_s for r in rounds),
            p50_s=percentile(first, 50),
            p99_s=percentile(first, 99),
            late_p99_s=percentile(late, 99) if late else 0.0,
            waited=sum(r.waited for r in rounds),
        )

    def _survey(self, order: Survey) -> Surveyed:
        first, second = frames.turns(0, 1)
        cut = [line for line, _ in self._crowd.cut]
        self._crowd.cut.clear()
        self._held = [line for line in self._held if line not in cut]
        for line in self._held:
            self._crowd.converse(line, second)
        went_on = len(self._held)
        for _ in cut:
            self._held.append(self._crowd.add(Line(order.target, PATIENCE_S)))
            self._crowd.converse(self._held[-1], first)
        return Surveyed(went_on, len(cut))


class Round:
    """So many calls have so many turns, and that is measured."""

    def __init__(self, crowd: Crowd, order: Talk, script: list[frames.Turn], lines: list[Line]) -> None:
        self._crowd = crowd
        self._order = order
        self._script = script
        self._lines = lines
        for number, line in enumerate(lines):
            line.number = number
        self._due: list[tuple[float, int]] = []
        """When a line's turn is due, and whose; a heap."""
        self._overdue: dict[int, float] = {}
        """Whose turn was due before the reply to the one before had ended, and when."""
        self._period = len(lines) / order.rate if order.rate else 0.0
        self.first: list[float] = []
        self.late: list[float] = []
        self.waited = 0
        self.elapsed_s = self.cpu_s = self.load_s = 0.0

    def run(self) -> None:
        """Measure. Raises: Cut, OSError."""
        gc.collect()
        gc.disable()  # a collection between two answers would look like the server's
        try:
            cpu, load, began = cpu_s(self._order.pids), time.process_time(), time.perf_counter()
            self._run(began)
            self.elapsed_s = time.perf_counter() - began
            self.cpu_s, self.load_s = cpu_s(self._order.pids) - cpu, time.process_time() - load
        finally:
            gc.enable()

    def _run(self, began: float) -> None:
        dice = random.Random(_SEED)
        self._due = [(began + self._period * dice.random(), line.number) for line in self._lines]
        heapq.heapify(self._due)
        wanted = len(self._lines) * self._order.turns
        heard_at = began
        while len(self.first) < wanted:
            self._say_what_is_due(time.perf_counter())
            wait_s = self._due[0][0] - time.perf_counter() if self._due else PATIENCE_S
            for line in self._crowd.look_after(wait_s):
                heard_at = line.first_at
                self.first.append(line.first_at - line.sent_at)
                if line.number in self._overdue:
                    self._say(line, self._overdue.pop(line.number))
            if time.perf_counter() - heard_at > PATIENCE_S + self._period:
                raise Cut(f"{wanted - len(self.first)} turns were not answered within {PATIENCE_S:.0f} s")

    def _say_what_is_due(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            due, number = heapq.heappop(self._due)
            line = self._lines[number]
            if line.waiting:
                self._overdue[number] = due
                self.waited += self._period > 0  # without a rate all turns wait for the reply before
                continue
            self._say(line, due)
            self.late.append(line.sent_at - due)

    def _say(self, line: Line, due: float) -> None:
        line.said += 1
        self._crowd.ask(line, self._script[line.said])
        if line.said < self._order.turns:
            heapq.heappush(self._due, (due + self._period, line.number))


if __name__ == "__main__":
    Load().serve()
