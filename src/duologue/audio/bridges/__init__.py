"""A source and a sink for whoever has the sound on a socket: phone bridges, web pages, bots."""
