"""The rules of a conversation, without I/O: values come in, actions come out."""
