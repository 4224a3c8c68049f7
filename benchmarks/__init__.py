"""Measurements: each module is a program, and `python -m benchmarks` runs them all."""
