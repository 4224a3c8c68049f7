"""`duologue talk`: a conversation from the command line, live, from a file, or in writing."""
