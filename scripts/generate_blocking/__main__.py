"""`python -m scripts.generate_blocking` writes every generated file anew."""

from scripts.generate_blocking.files import write

write()
