"""Sound in files: read, played as a microphone, written as a speaker, recorded from both sides."""
