"""A conversation's sound: from the source that was chosen to the connection, and back to a sink."""
