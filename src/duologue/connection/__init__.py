"""How messages and sound travel to an agent and back."""
