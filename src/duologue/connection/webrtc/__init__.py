"""Conversations through a LiveKit room: messages on its data channel, sound on its tracks.

The verbs are those of `duologue.connection.base`; whoever has the connection needs no other file.
"""
