"""The other side of a conversation: a server that speaks the protocol."""
