"""Thinking: a conversation comes in, and a language model's answer goes out, token by token."""
