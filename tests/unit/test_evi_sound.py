"""Sound as bytes: WAV files, channels, and rates."""

from __future__ import annotations

import io
import math
import wave
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.evi.sound import Resampler, one_channel, read_head, silence, wav, wav_seconds

RATES = (8000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000)


def tone(rate: int, hertz: float, seconds: float, high: int = 16_000) -> bytes:
    return array(
        "h", (round(high * math.sin(2 * math.pi * hertz * at / rate)) for at in range(round(rate * seconds)))
    ).tobytes()


def loudness(pcm: bytes) -> float:
    samples = array("h", pcm)
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples))


def test_a_wav_file_is_read_by_pythons_own_module() -> None:
    piece = wav(tone(48_000, 440, 0.5))
    with wave.open(io.BytesIO(piece)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (48_000, 2, 1)
        assert file.readframes(file.getnframes()) == tone(48_000, 440, 0.5)
    assert wav_seconds(piece) == 0.5
    assert wav_seconds(wav(silence(0.25))) == 0.25


@pytest.mark.parametrize("source", RATES)
@pytest.mark.parametrize("target", [16_000, 48_000])
def test_a_tone_stays_the_tone_it_was(source: int, target: int) -> None:
    resampler = Resampler(source, target)
    got = resampler.feed(tone(source, 300, 1.0)) + resampler.end()
    assert abs(len(got) / 2 / target - 1.0) < 0.05
    expected = array("h", tone(target, 300, 0.9))
    worst = max(abs(a - b) for a, b in zip(array("h", got), expected, strict=False))
    assert worst < 16_000 * 0.03, "a tone far below both rates is hardly touched"


@pytest.mark.parametrize(("source", "hertz"), [(48_000, 15_500.0), (44_100, 15_500.0), (96_000, 31_500.0)])
def test_what_is_too_high_for_the_lower_rate_does_not_come_back_as_something_low(source: int, hertz: float) -> None:
    resampler = Resampler(source, 16_000)
    got = resampler.feed(tone(source, hertz, 1.0))
    assert loudness(got) < 0.05 * loudness(tone(source, hertz, 1.0))


@given(st.sampled_from([22_050, 44_100, 48_000, 8000]), st.lists(st.integers(0, 3000), max_size=8))
def test_in_whatever_pieces_it_comes_it_is_the_same(source: int, cuts: list[int]) -> None:
    whole = tone(source, 200, 0.2)
    at_once, in_pieces = Resampler(source, 16_000), Resampler(source, 16_000)
    got, at = b"", 0
    for cut in [*cuts, len(whole)]:
        got += in_pieces.feed(whole[at : at + 2 * cut])
        at += 2 * cut
    assert got + in_pieces.end() == at_once.feed(whole) + at_once.end()


@given(st.binary(max_size=4000))
def test_the_loudest_samples_do_not_overflow(noise: bytes) -> None:
    noise = noise[: len(noise) & ~1]
    resampler = Resampler(22_050, 48_000)
    got = array("h", resampler.feed(noise) + resampler.end())
    samples = array("h", noise)
    if samples:
        assert max(got, default=0) <= max(0, *samples)
        assert min(got, default=0) >= min(0, *samples) - 1, "a mean lies between what it is made of, but for rounding"


@pytest.mark.parametrize("rate", [44_099, 999, 300_000])
def test_rates_that_nobody_has_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match=f"{rate} Hz"):
        Resampler(rate, 16_000)


def test_of_several_channels_the_first_is_taken() -> None:
    assert one_channel(array("h", [1, 9, 2, 9, 3, 9]).tobytes(), 2) == array("h", [1, 2, 3]).tobytes()
    assert one_channel(b"\1\0\2", 1) == b"\1\0"
    assert one_channel(b"\1\0\2\0\3", 2) == b"\1\0"


def test_the_head_of_a_wav_file_is_read_as_soon_as_it_is_there() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((2, 2, 44_100, 0, "NONE", ""))
        out.writeframes(b"\1\0\2\0")
    data = file.getvalue()
    heads = [read_head(data[:size]) for size in range(len(data) + 1)]
    assert heads.index((44_100, 2, 44)) == 44
    assert set(heads[:44]) == {None}
    with_list = data[:36] + b"LIST\4\0\0\0abcd" + data[36:]
    assert read_head(with_list) == (44_100, 2, 56)


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 100,
        b"RIFF\0\0\0\0WAVEdata\0\0\0\0",
        b"RIFF\0\0\0\0WAVEfmt \4\0\0\0\1\0\1\0" + b"\0" * 20,
        wav(b"")[:20] + b"\6\0" + wav(b"")[22:],  # A-law
        wav(b"")[:34] + b"\x08\0" + wav(b"")[36:],  # 8 bits
        wav(b"")[:22] + b"\0\0" + wav(b"")[24:],  # no channel
    ],
)
def test_what_is_no_wav_file_of_plain_samples_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(ValueError, match="WAV file"):
        read_head(data)


@given(st.binary(max_size=200))
def test_no_head_is_too_broken_to_be_looked_at(tail: bytes) -> None:
    for data in (tail, b"RIFF\0\0\0\0WAVE" + tail, b"RIFF\0\0\0\0WAVEfmt " + tail):
        try:
            head = read_head(data)
        except ValueError:
            continue
        assert head is None or 12 < head.begin <= len(data)
