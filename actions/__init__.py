"""The action server: what the bot knows and does; imports neither bot nor channels."""
