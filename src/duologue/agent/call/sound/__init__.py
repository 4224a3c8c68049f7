"""The sound of one call, both ways: the wire's bytes to the engine's frames, and back in time."""
