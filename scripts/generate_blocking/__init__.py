"""Generates the parts of `duologue.blocking` that follow from the asyncio side.

Every public method, property and function there is found by looking at its source, and is given a
counterpart with its signature, its types and its docstring, which calls it in the event loop of
its conversation. What `BlockingBase` has of its own is left to it.
"""
