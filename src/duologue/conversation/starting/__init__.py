"""How a session begins: from its options to a connection that has told its metadata."""
