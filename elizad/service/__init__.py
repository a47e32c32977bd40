"""Calls: where a socket, an adapter and a conversation meet."""
