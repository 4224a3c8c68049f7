"""A soak: `python -m soak` holds conversations for minutes and watches what both sides use."""
