"""Telegram: updates in, messages out. chat ids do not leave this folder."""

CHANNEL = "telegram"
