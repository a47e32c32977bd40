"""The front door: listening sockets, requests, and WebSockets of whole text messages, on the open internet.

Everything hostile stays in this room. It does not know what a conversation is.

    server      accepts, caps, turns away            listeners   where we listen, and the sockets
    visitors    who is here, by address              addresses   whose request it is, behind proxies
    throttle    how often                            tls         certificates, and streams over them
    guard       one connection, all failures inside  door, head  the request, and its refusal
    admission   routes and tokens                    gate        the stream, with its deadline and its gate
    ws, frames  the WebSocket, and a count of frames  heartbeat   finds the peers that are gone
    limits, tally, errors                            numbers in, numbers out, and how it can end
"""
