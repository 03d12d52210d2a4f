"""Fixtures of the whole suite."""

from stack import stack

__all__ = ["stack"]
