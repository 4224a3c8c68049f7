"""One call: from the client's first message to the close, whatever carries it."""
