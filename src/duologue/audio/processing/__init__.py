"""What a browser does to a microphone's sound: echo, noise and gain, by WebRTC's own processing.

The user's samples come in, and what was played beside them; the user's voice goes out.
"""
