"""EVI's own chat protocol, from the server's side: messages in, messages out, and the state of one chat. No I/O."""
