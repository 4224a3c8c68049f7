"""Hearing: the user's frames come in; voice activity and the text of an utterance go out."""
