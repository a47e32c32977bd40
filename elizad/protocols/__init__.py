"""One sans-I/O adapter per platform: message -> events, commands -> messages. Wire words stay in here."""
