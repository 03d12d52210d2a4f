"""Rasa graph components of baoke; loaded by the Rasa server only."""
