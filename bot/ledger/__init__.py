"""The ledger: conversations, messages, turns, deliveries, handoffs, attachments.

Everything a customer, bot, agent or the system said, in the order in which it was
received. SQLite or PostgreSQL. ``repository.py`` gathers the parts.
"""
