"""Sound as 16-bit samples of one channel, little-endian: WAV files round it, and other rates of it. No I/O.

Nothing here loops over samples in Python: with numpy it would be simpler, and a dependency of 60 MB.
"""

from __future__ import annotations

import math
from array import array
from functools import cache
from typing import Final, NamedTuple

RATE: Final = 48_000
"""Of all sound that is sent, in Hz, as Hume's."""

HEARD_RATE: Final = 16_000
"""Of sound that is listened to, in Hz: what pocketsphinx's model was trained on."""

_HEAD_BYTES: Final = 44  # of the WAV files that are made here: RIFF, fmt and data, nothing between
_WHOLE: Final = 1 << 16  # what the weights of one output sample add up to
_MOST_PHASES: Final = 640  # 11,025 Hz to 16 kHz; a rate with more is nobody's


def wav(pcm: bytes, rate: int = RATE) -> bytes:
    """Return a WAV file (RIFF, format 1: plain samples)."""
    return b"".join(
        (
            b"RIFF" + (_HEAD_BYTES - 8 + len(pcm)).to_bytes(4, "little") + b"WAVEfmt ",
            b"\x10\0\0\0\x01\0\x01\0" + rate.to_bytes(4, "little") + (2 * rate).to_bytes(4, "little"),
            b"\x02\0\x10\0data" + len(pcm).to_bytes(4, "little"),
            pcm,
        )
    )


def wav_seconds(piece: bytes) -> float:
    """Return how long a WAV file from `wav` at RATE plays."""
    return (len(piece) - _HEAD_BYTES) / (2 * RATE)


def silence(seconds: float) -> bytes:
    """Return samples of silence at RATE."""
    return bytes(2 * round(seconds * RATE))


class WavHead(NamedTuple):
    """What the head of a WAV file of plain 16-bit samples says, and where they begin."""

    rate: int
    channels: int
    begin: int


def read_head(data: bytes) -> WavHead | None:
    """Read the head of a WAV file; None while there is not enough of it. The length that it tells is not looked at.

    Raises: ValueError with words for what it is instead.
    """
    if len(data) < 12:
        return None
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("no WAV file")
    at, found = 12, None
    while len(data) >= at + 8:
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"data":
            if found is None:
                raise ValueError("a WAV file that does not say what its samples are")
            return found._replace(begin=at + 8)
        if name == b"fmt ":
            if size < 16:
                raise ValueError("a WAV file with a broken head")
            if len(data) < at + 8 + 16:
                return None
            kind, channels = (int.from_bytes(data[at + i : at + i + 2], "little") for i in (8, 10))
            rate = int.from_bytes(data[at + 12 : at + 16], "little")
            bits = int.from_bytes(data[at + 22 : at + 24], "little")
            if kind not in (1, 0xFFFE) or bits != 16 or not 1 <= channels <= 8:
                raise ValueError("a WAV file whose samples are not plain ones of 16 bits")
            found = WavHead(rate, channels, 0)
        at += 8 + size + size % 2
    return None


def one_channel(pcm: bytes, channels: int) -> bytes:
    """Return the first of several channels that stand side by side; what is cut off at the end is left out."""
    if channels == 1:
        return pcm[: len(pcm) & ~1]
    samples = array("h", pcm[: len(pcm) // (2 * channels) * (2 * channels)])
    return samples[::channels].tobytes()


class Resampler:
    """Sound of one rate to another, a piece at a time.

    An output sample is a mean of the input samples round it, by their nearness: between two of them going up, over
    as many as fall on it, twice, going down, so that nothing high comes back as something low. Samples that are
    weighed alike are taken at once, as the digits of one large number.
    """

    def __init__(self, source: int, target: int) -> None:
        """Raises: ValueError for a rate from which nobody's sound comes."""
        self._is_same = source == target
        if not self._is_same:
            self._kernel = _kernel(source, target)
            self._waiting = _biased(bytes(2 * self._kernel.before))

    def feed(self, pcm: bytes) -> bytes:
        """Return what `pcm` comes to; a few milliseconds of it wait for more. It holds whole samples."""
        if self._is_same:
            return pcm
        up, down, before, after, phases = self._kernel
        self._waiting += _biased(pcm)
        blocks = (len(self._waiting) - before - after - 1) // down + 1
        if blocks < 1:
            return b""
        out = array("H", bytes(2 * blocks * up))
        span = (blocks - 1) * down + 1
        for phase, taps in enumerate(phases):
            total = 0
            for at, weight in taps:
                begin = before + at
                total += int.from_bytes(self._waiting[begin : begin + span : down].tobytes(), "little") * weight
            out[phase::up] = array("H", total.to_bytes(4 * blocks, "little"))[1::2]
        del self._waiting[: blocks * down]
        return _turned(out.tobytes())

    def end(self) -> bytes:
        """Return what waited, with a little silence behind it."""
        return b"" if self._is_same else self.feed(bytes(2 * (self._kernel.after + self._kernel.down)))


class _Kernel(NamedTuple):
    up: int  # as many output samples make a block
    down: int  # of this many input samples
    before: int  # input samples before a block that it needs
    after: int  # and how far it reaches from its first one
    phases: tuple[tuple[tuple[int, int], ...], ...]  # for each output sample of a block, (input sample, weight)


@cache
def _kernel(source: int, target: int) -> _Kernel:
    common = math.gcd(source, target)
    up, down = target // common, source // common
    if up > _MOST_PHASES or not 1 / 16 <= up / down <= 16:
        raise ValueError(f"sound of {source} Hz is not taken")
    width = max(1.0, down / up)
    phases = []
    for phase in range(up):
        middle = phase * down / up
        near = {at: 1 - abs(middle - at) / width for at in range(math.ceil(middle - width), int(middle + width) + 1)}
        near = {at: weight for at, weight in near.items() if weight > 1e-6}
        weights = {at: round(weight / sum(near.values()) * _WHOLE) for at, weight in near.items()}
        weights[max(near, key=near.__getitem__)] += _WHOLE - sum(weights.values())
        phases.append(tuple(weights.items()))
    places = [at for taps in phases for at, _ in taps]
    return _Kernel(up, down, max(0, -min(places)), max(places), tuple(phases))


def _turned(pcm: bytes) -> bytes:
    """Make signed samples unsigned, or the other way round."""
    bits = int.from_bytes(pcm, "little") ^ int.from_bytes(b"\0\x80" * (len(pcm) // 2), "little")
    return bits.to_bytes(len(pcm), "little")


def _biased(pcm: bytes) -> array[int]:
    """Return samples as numbers of 32 bits from 0, in which a weight of up to 16 bits has room."""
    return array("I", array("H", _turned(pcm)))
