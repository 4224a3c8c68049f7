"""The microphone's side: a source's samples come in, and chunks of the wire's length go out."""
