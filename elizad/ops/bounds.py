"""The table [limits] of the configuration: what one connection may take, and all of them together."""

from __future__ import annotations

from typing import Annotated

from elizad.ops.schema import Key, Table


class Limits(Table, frozen=True):
    """What one connection, and all of them, may take."""

    max_connections: Annotated[int, Key("connections at once; one more is refused", 1, 100_000)] = (
        900  # below the 1024 open files that a process usually gets
    )
    connections_per_address: Annotated[
        int, Key("of them from one address (IPv6: one network of 64 bits); one more is refused", 1, 100_000)
    ] = 600  # Retell calls from a single address; but nobody alone can have all
    handshakes_per_s: Annotated[
        float, Key("new connections a second from one address, on average; ten times as many at once", 0.1, 100_000)
    ] = 50.0  # a platform's calls all come back at once after a restart; sustained, a tenth of a processor
    max_message_bytes: Annotated[int, Key("bytes of one message", 131_072, 67_108_864)] = (
        4_194_304  # half an hour's transcript with prosody is about 1 MiB; above the 64 KiB that one read brings
    )
    messages_per_s: Annotated[
        float,
        Key(
            "messages and pings a second of one connection, on average; ten times as many at once;"
            " each 64 KiB begun of a message counts as one",
            1,
            100_000,
        ),
    ] = 50.0  # Retell's updates come as words are recognised, Hume's payloads once a pause: a fifth, or less
    head_bytes: Annotated[int, Key("bytes of a request's head", 1024, 1_048_576)] = 16_384  # what h11 and proxies allow
    head_timeout_s: Annotated[float, Key("seconds until the request's head is complete", 0.1, 300)] = (
        5.0  # a head is one packet; this is three retransmissions
    )
    handshake_timeout_s: Annotated[
        float, Key("seconds for the TLS handshake, and for the WebSocket handshake after the head", 0.1, 300)
    ] = 5.0  # TLS is two round trips; after the head nothing is left to wait for but our own answer
    write_timeout_s: Annotated[float, Key("seconds for one write; then the peer counts as stalled", 0.1, 300)] = (
        10.0  # far beyond what a live call would bear
    )
    close_timeout_s: Annotated[float, Key("seconds for the closing handshake; then the line is cut", 0.1, 300)] = (
        3.0  # courtesy: nobody waits for it
    )
    idle_s: Annotated[float, Key("seconds without a message; then the connection is closed", 1, 604_800)] = (
        1900.0  # EVI ends every chat after 1800 s, so after that nobody is there
    )
    call_s: Annotated[float, Key("seconds that a connection may last", 1, 604_800)] = (
        7500.0  # Retell's longest call is two hours, EVI's half an hour
    )
    ping_interval_s: Annotated[float, Key("seconds between two pings of ours", 1, 3600)] = (
        20.0  # below the 30 to 60 s after which proxies drop a silent connection
    )
    ping_timeout_s: Annotated[float, Key("seconds for the answer to a ping; then the peer counts as gone", 1, 3600)] = (
        20.0  # a phone that changes networks comes back in less
    )
    utterance_chars: Annotated[
        int, Key("characters of one utterance that ELIZA hears; the rest is left out", 80, 100_000)
    ] = 2000  # two minutes of speech
