"""What is asked of a server over HTTP: URLs and keys come in, tokens and signed URLs go out."""
