"""How messages and sound travel to an agent: typed messages go out, and typed events come in."""
