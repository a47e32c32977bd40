"""The cyclic collector: everything is looked at when as many connections have ended as are open, and not before."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from elizad.net.tally import Tally
from elizad.ops import garbage
from elizad.ops.garbage import Garbage


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_it_is_due_when_as_many_have_ended_as_are_open() -> None:
    tally = Tally(connections=5000, connections_open=5000)
    found = Garbage(tally)
    looks = []
    for ended in range(0, 5001, 500):
        tally.connections_open = 5000 - ended
        found.look_if_due()
        looks.append(found.looks)
    assert looks == [0, 0, 0, 0, 0, 1, 1, 1, 2, 3, 4]


def test_a_few_are_not_worth_a_look() -> None:
    tally = Tally()
    found = Garbage(tally)
    for tally.connections in range(1500):
        found.look_if_due()
    assert found.looks == 2


def test_what_an_ended_call_left_in_a_circle_is_found() -> None:
    class Call:
        pass

    garbage.settle()
    gc.disable()
    try:
        call = Call()
        call.itself = call  # type: ignore[attr-defined]
        del call
        assert any(isinstance(one, Call) for one in gc.get_objects())
        Garbage(Tally(connections=500)).look_if_due()
        assert not any(isinstance(one, Call) for one in gc.get_objects())
    finally:
        gc.enable()
    assert gc.get_freeze_count() > 1000
