"""A conversation's messages and sound over one WebSocket."""
