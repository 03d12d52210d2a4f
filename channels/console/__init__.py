"""The agents' side: accounts, the desk's API under /api/desk, and its page."""
