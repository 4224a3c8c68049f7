"""Speaking: a reply comes in as it is written, and its sound goes out with its text and times."""
