"""Sentence vectors for the assistant and the actions; imports nothing of ours."""
