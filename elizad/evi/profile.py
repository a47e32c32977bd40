"""What a configuration comes to for one chat. Pure values; where they come from stands in configs.py."""

from __future__ import annotations

from typing import Final, NamedTuple

HARD_STOP_S: Final = 1800.0
"""EVI ends every chat after half an hour, whatever its configuration says."""

INACTIVITY_S: Final = 600.0  # EVI's own default

ANSWER_S: Final = 15.0
"""What a caller has left to answer in after `inactivity_text`."""


class Profile(NamedTuple):
    """How a chat goes. Without `id` the client asked for no configuration."""

    id: str | None = None
    version: int | None = None
    name: str = ""
    script: str = ""
    """A packaged script's name or an absolute path; "" is the daemon's own script."""
    greeting: str | None = None
    """None: nobody greets first. "": the script's opening line. Else said word for word, right after chat_metadata."""
    voice: str = ""
    """A voice of espeak-ng; "" is the daemon's own."""
    inactivity_s: float = INACTIVITY_S
    """0: only the hard stop ends the chat."""
    inactivity_text: str | None = None
    """Said at the limit; then the caller has ANSWER_S more."""
    max_duration_s: float = HARD_STOP_S
    max_duration_text: str | None = None
    custom_language_model: str = ""
    """The address of a server to dial, which may hold a token; "" is elizad's own mind."""
    system_prompt: str = ""
    builtin_tools: tuple[str, ...] = ()
    """Names of tools that are not the client's, such as "hang_up"; its `session_settings` can say others."""
