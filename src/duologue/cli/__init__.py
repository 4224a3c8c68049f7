"""The commands: talk, serve, models."""
