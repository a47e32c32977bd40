"""Listens in one chat: an ear for the sound its client sends, and another when it declares another kind of sound."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from elizad.evi.ear import Deaf, Ear, Hearing, NoEar, Sound
from elizad.protocols.evi.incoming import Audio, EviProblem


class Attention:
    """What hears in one chat. Who cannot be heard is told so once."""

    def __init__(self, hearing: Hearing | None, put: Callable[[Sound], Awaitable[None]], *, interim: bool) -> None:
        """`put` takes what is heard; `interim`: also while somebody is still speaking."""
        self._hearing = hearing
        self._put = put
        self._interim = interim
        self._ear: Ear | None = None
        self._scope = trio.CancelScope()
        self._audio: Audio | None = None  # as declared when the ear was opened
        self._is_deaf = False

    def feed(self, nursery: trio.Nursery, data: bytes, audio: Audio | None, at_ms: int) -> None:
        """Take a piece of sound that came `at_ms` after the chat began. Does not wait; listens in `nursery`.

        Raises: EviProblem, and not again for the same kind of sound.
        """
        if audio != self._audio:
            self._scope.cancel()
            self._ear, self._audio, self._is_deaf = None, audio, False
        if self._is_deaf or not data:
            return
        if self._ear is None:
            try:
                if self._hearing is None:
                    raise NoEar("Speech is not listened to here: send user_input instead.")
                self._ear = self._hearing.open(data, audio, at_ms, interim=self._interim)
            except NoEar as why:
                self._is_deaf = True
                raise not_heard(str(why)) from None
            self._scope = trio.CancelScope()
            nursery.start_soon(self._listen, self._ear, self._scope)
        self._ear.feed(data)

    async def _listen(self, ear: Ear, scope: trio.CancelScope) -> None:
        async def put(sound: Sound) -> None:
            if isinstance(sound, Deaf):
                self._ear, self._is_deaf = None, True
            await self._put(sound)

        with scope:
            await ear.run(put)


def not_heard(why: str) -> EviProblem:
    """Return the problem of a client whose sound cannot be listened to."""
    return EviProblem("E0200", "speech_not_heard", why)
