"""Queries and pages of EVI's HTTP calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.evi.asking import BadRequest, Page, Query, segments_of, whole_number


def test_pages_count_from_zero_and_have_ten_entries_unless_more_are_wanted():
    assert Query("").page() == Page(0, 10, True)
    assert Query("page_number=2&page_size=100&ascending_order=false").page() == Page(2, 100, False)
    assert Query("page_number=&page_size=&ascending_order=").page() == Page()


@pytest.mark.parametrize(
    "query",
    [
        "page_size=0",
        "page_size=101",
        "page_size=-1",
        "page_size=ten",
        "page_size=1e1",
        "page_size=99999999999999999999",
        "page_number=-1",
        "page_number=1.0",
        "page_number=%D9%A1",
        "ascending_order=1",
        "ascending_order=yes",
    ],
)
def test_what_is_no_page_is_refused_by_the_name_of_its_parameter(query):
    with pytest.raises(BadRequest, match=query.partition("=")[0]):
        Query(query).page()


@given(st.integers(0, 60), st.integers(1, 100))
def test_page_after_page_has_everything_once_and_the_one_past_the_end_is_empty(count, size):
    items = list(range(count))
    seen: list[int] = []
    number = 0
    while entries := Page(number, size).cut(items):
        about = Page(number, size).around("chats_page", entries, count)
        assert (about["page_number"], about["page_size"]) == (number, size)
        assert about["total_pages"] == -(-count // size)
        assert about["chats_page"] == entries
        seen += entries
        number += 1
    assert seen == items
    assert Page(number + 7, size).around("chats_page", Page(number + 7, size).cut(items), count)["chats_page"] == []


def test_a_page_says_its_direction_except_of_configs():
    assert Page().around("x", [], 0)["pagination_direction"] == "ASC"
    assert Page(ascending=False).around("x", [], 0)["pagination_direction"] == "DESC"
    assert "pagination_direction" not in Page().around("x", [], 0, directed=False)


def test_texts_and_truths():
    query = Query("name=a%20b&name=c&empty=&yes=TRUE&odd=%ff")
    assert query.text("name") == "a b"
    assert query.text("empty") is query.text("none") is None
    assert query.truth("yes", usual=False)
    assert query.truth("none", usual=True)
    assert query.text("odd") == "\ufffd"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("configs", ["configs"]),
        ("/configs/", ["configs"]),
        ("configs/a%2Fb/version/1", ["configs", "a/b", "version", "1"]),
        ("configs//x", None),
        ("", None),
        ("/", None),
        ("chats/%ff", ["chats", "\ufffd"]),
        ("chats/..", ["chats", ".."]),
    ],
)
def test_paths_are_taken_apart_before_they_are_decoded(path, expected):
    assert segments_of(path) == expected


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("007", 7), ("-1", None), ("", None), ("²", None), ("1" * 10, None)]
)
def test_whole_numbers(text, number):
    assert whole_number(text) == number


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=80))
def test_any_query_gives_a_page_or_is_refused(text):
    query = Query(text)
    try:
        page = query.page()
    except BadRequest:
        return
    assert page.number >= 0
    assert 1 <= page.size <= 100
