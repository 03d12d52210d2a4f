"""Fixtures of the whole suite."""

from clocks import start_from_environment
from stack import stack

__all__ = ["stack"]

start_from_environment()
