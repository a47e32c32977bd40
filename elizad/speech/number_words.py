"""Numbers as English words, by num2words: British in their "and" ("one hundred and twenty"), and without its commas.

num2words takes 40 ms to import and up to 270 us a call (measured on 15 digits), so it is imported at the first number
and every answer is kept. Strings in are ASCII digits; nothing here looks at the text round a number.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

__all__ = ["MAX_DIGITS", "cardinal", "digits", "number", "ordinal", "plural", "year"]

MAX_DIGITS: Final = 12  # of one number; what is longer (a card, an account) is read digit by digit
_CACHE: Final = 2048  # answers kept: every number of everyday talk, in less than a megabyte
_DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@lru_cache(_CACHE)
def _words(value: int, to: str) -> str:
    from num2words import num2words  # here, because its import is slow and most talk has no digit

    return str(num2words(value, to=to)).replace(",", "")


def cardinal(value: int) -> str:
    """`120` -> "one hundred and twenty"."""
    return _words(value, "cardinal")


def ordinal(value: int) -> str:
    """`22` -> "twenty-second"."""
    return _words(value, "ordinal")


def year(value: int) -> str:
    """`1966` -> "nineteen sixty-six", `2005` -> "two thousand and five"."""
    return _words(value, "year")


def digits(run: str) -> str:
    """One by one: `007` -> "zero zero seven"."""
    return " ".join([_DIGITS[int(digit)] for digit in run])


def number(text: str) -> str:
    """An amount as it is written, with thousands separators and decimals: `1,000.50` -> "one thousand point five zero".

    Leading zeros and more than MAX_DIGITS digits make it a code, read digit by digit.
    """
    whole, _, fraction = text.replace(",", "").partition(".")
    if len(whole) > MAX_DIGITS or (whole.startswith("0") and len(whole) > 1):
        words = digits(whole)
    else:
        words = cardinal(int(whole)) if whole else ""
    return f"{words} point {digits(fraction)}".lstrip() if fraction else words


def plural(words: str) -> str:
    """ "ninety" -> "nineties", "six" -> "sixes", "seven" -> "sevens"."""
    if words.endswith("y"):
        return words[:-1] + "ies"
    return words + ("es" if words.endswith("x") else "s")
