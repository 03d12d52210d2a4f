"""Fixtures of the integration tests: databases to run on."""

from postgres import postgres_server, postgres_url
from store_kit import core_settings, empty_store, store, store_settings

__all__ = [
    "core_settings",
    "empty_store",
    "postgres_server",
    "postgres_url",
    "store",
    "store_settings",
]
