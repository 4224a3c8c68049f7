"""The engine of one call: what LiveKit Agents says and does, and what it is told."""
