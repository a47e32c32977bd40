"""`elizad call`: be the platform, and dial any server that brings the words.

Pure parts first: a platform's side of each protocol (hume, retell) as machines without I/O, the rules that a server
is held to, scripts of what a caller says, numbers. On top of them one call on trio, and what can be made of calls:
a conversation by hand, a check, a load, a recording and its replay.
"""
