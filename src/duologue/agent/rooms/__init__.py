"""Calls over WebRTC: everything of LiveKit, from a token and its room to the tracks of a call.

A token is asked for over HTTP, LiveKit dispatches the call to a worker, and `call` carries it.
"""
