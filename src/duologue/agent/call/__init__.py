"""One call, whatever carries it: the client's frames come in, and typed events go out."""
