"""What a caller holds: starting, using and ending a conversation."""
