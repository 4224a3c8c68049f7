"""Soaks: what grows, leaks or hangs as conversations go on for minutes?"""
