"""Hold a spoken or written conversation with a voice agent."""
