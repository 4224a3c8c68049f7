"""This machine's microphones and speakers: listed, opened, watched, and replaced when lost.

They deliver and take samples as any source and sink does. Nothing else in `audio` knows miniaudio.
"""
