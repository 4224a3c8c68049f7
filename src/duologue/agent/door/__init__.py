"""Where strangers come in: what a connection may do before it is a call, and beneath it."""
