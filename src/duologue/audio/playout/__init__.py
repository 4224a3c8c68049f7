"""The speaker's side: the agent's sound comes in as it arrives, and a sink takes it out in time."""
