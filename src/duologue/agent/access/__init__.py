"""Who may have a conversation: keys come in, and signed URLs and their proofs go out."""
