"""The wire, without I/O: one frozen type for each message, the codec, the audio formats."""
