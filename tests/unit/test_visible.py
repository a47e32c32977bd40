"""Text from elsewhere, made visible: nothing in it can move a cursor or begin a line."""

from __future__ import annotations

import ast

from hypothesis import given
from hypothesis import strategies as st

from elizad.ops.visible import quoted, visible


@given(st.text())
def test_visible_text_is_printable_and_printable_text_is_left_alone(text):
    assert visible(text).isprintable()
    assert visible(text) == text or not text.isprintable()


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_quoted_text_can_be_read_back(text):
    assert ast.literal_eval(quoted(text)) == text


def test_what_is_kept_stays():
    assert visible("a\nb\tc\x00", keep="\n") == "a\nb\\tc\\x00"
