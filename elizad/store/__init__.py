"""Sessions that outlast a call: small records by name, in memory, a file or Redis. What is in them is not known."""
