"""Hume's React provider on a page in Chromium, with the real daemon in EVI's place: what the person there sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sdk.browser import Browser, bundle, trust
from tests.sdk.conftest import KEY, Evi


@pytest.fixture(scope="module")
def browser(modules: Path, certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    page = bundle(modules, modules / "react" / "page.jsx")
    profile = tmp_path_factory.mktemp("profile")
    running = Browser(modules, page, profile, [trust(certificates / "certificate.pem")])
    yield running
    running.end()


def talk(lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What was said, without the notes."""
    return [line for line in lines if line[0] != "note"]


def test_a_conversation_is_shown(browser: Browser, evi: Evi, tmp_path: Path) -> None:
    browser.open(evi.url, KEY)
    browser.status("connected")
    browser.say("My boat leaks.")
    boat = [("user", "My boat leaks."), ("assistant", "Tell me about your boat leaks."), ("assistant", "I have time.")]
    assert talk(browser.shown("assistant", 2)) == boat
    browser.say("It is raining.")
    assert talk(browser.shown("assistant", 4))[3:] == [
        ("user", "It is raining."),
        ("assistant", "I see."),
        ("assistant", "Where to?"),
    ]
    browser.act("screenshot", path=str(tmp_path / "page.png"))
    assert (tmp_path / "page.png").stat().st_size > 5000
    browser.click("end")
    browser.status("disconnected")
    told = browser.told()
    assert told["closes"] == [1000]
    # Its microphone is not listened to here, which is told once.
    assert told["errors"] == [
        "received_assistant_error_message: Speech is not listened to here: send user_input instead."
    ]


def test_a_greeting_and_settings(browser: Browser, evi: Evi) -> None:
    settings = {"customSessionId": "page-1", "variables": {"name": "Jo"}}
    browser.open(evi.url, KEY, configId="greeting", sessionSettings=settings)
    assert talk(browser.shown("assistant", 2)) == [("assistant", "Ahoy there."), ("assistant", "Anybody on board?")]


def test_pause_and_resume(browser: Browser, evi: Evi) -> None:
    browser.open(evi.url, KEY)
    browser.status("connected")
    browser.click("pause")
    browser.say("My hat is wet.")
    browser.say("My boat leaks.")
    assert [kind for kind, _ in talk(browser.shown("user", 2))] == ["user", "user"]
    browser.click("resume")
    assert [text for kind, text in browser.shown("assistant", 2) if kind == "assistant"] == [
        "Tell me about your boat leaks.",
        "I have time.",
    ]


def test_an_interruption(browser: Browser, evi: Evi) -> None:
    browser.open(evi.url, KEY)
    browser.status("connected")
    browser.say("When do you sail?")
    browser.shown("assistant", 1)
    browser.say("My boat leaks.")
    said = talk(browser.shown("assistant", 3))
    assert said[-2:] == [("assistant", "Tell me about your boat leaks."), ("assistant", "I have time.")]
    assert browser.told()["interruptions"] >= 1


def test_a_chat_group_is_resumed(browser: Browser, evi: Evi) -> None:
    browser.open(evi.url, KEY)
    browser.status("connected")
    browser.say("My boat leaks.")
    browser.shown("assistant", 2)
    group = browser.told()["group"]
    browser.click("end")
    browser.status("disconnected")
    browser.open(evi.url, KEY, resumedChatGroupId=group)
    browser.status("connected")
    assert browser.told()["group"] == group
    browser.say("It is raining.")
    browser.shown("assistant", 2)
    browser.say("It is raining.")
    assert talk(browser.shown("assistant", 3))[-1] == ("assistant", "Earlier you spoke of your boat leaks.")


def test_bad_credentials(browser: Browser, evi: Evi) -> None:
    browser.open(evi.url, "wrong-key-1")
    browser.status("error")
    assert browser.told()["errors"][0].startswith("socket_connection_failure")


def test_silence_ends_the_chat(browser: Browser, evi: Evi) -> None:
    browser.open(evi.url, KEY, configId="hurried")
    browser.status("connected")
    notes = [text for kind, text in browser.shown("note", 2) if kind == "note"]
    assert notes == ["E0200 speech_not_heard", "E0714 inactivity_timeout"]
    browser.status("disconnected")
    assert browser.told()["closes"] == [1000]
