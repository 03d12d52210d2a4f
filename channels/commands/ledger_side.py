"""What commands do on the ledger, apart from the console: it takes time to import."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.ledger.repository import Ledger
from channels.commands.console import Context

T = TypeVar("T")


def with_ledger(context: Context, act: Callable[[Ledger], Awaitable[T]]) -> T:
    """Run something on the ledger, whose tables must be of this version.

    Raises:
        StoreError: There is none, or it needs an upgrade.
    """

    async def run() -> T:
        settings = context.settings
        ledger = Ledger.at(settings.database_url, settings.root)
        try:
            await ledger.check()
            return await act(ledger)
        finally:
            await ledger.close()

    return asyncio.run(run())
