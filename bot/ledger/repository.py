"""The ledger as one thing: its parts on one database."""

from pathlib import Path
from typing import Self

from bot.errors import StoreError
from bot.ledger import migrate
from bot.ledger.agents import Agents
from bot.ledger.allowances import Allowances
from bot.ledger.attachments import Attachments
from bot.ledger.contacts import Contacts, Fetches, Tokens
from bot.ledger.database import Database, open_database
from bot.ledger.deliveries import Deliveries
from bot.ledger.desk_view import DeskView
from bot.ledger.links import Links
from bot.ledger.login_tries import LoginTries
from bot.ledger.messages import Messages
from bot.ledger.moves import Moves
from bot.ledger.nonces import Nonces
from bot.ledger.offers import Offers
from bot.ledger.parcels import Parcels
from bot.ledger.passive import PassiveReplies
from bot.ledger.ratings import Ratings
from bot.ledger.turns import Turns


class Ledger:
    """Gathers the parts; nothing is opened before the first transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.messages = Messages(database)
        self.turns = Turns(database)
        self.moves = Moves(database)
        self.deliveries = Deliveries(database)
        self.parcels = Parcels(database)
        self.attachments = Attachments(database)
        self.allowances = Allowances(database)
        self.passive = PassiveReplies(database)
        self.contacts = Contacts(database)
        self.tokens = Tokens(database)
        self.fetches = Fetches(database)
        self.nonces = Nonces(database)
        self.agents = Agents(database)
        self.login_tries = LoginTries(database)
        self.desk = DeskView(database)
        self.ratings = Ratings(database)
        self.offers = Offers(database)
        self.links = Links(database)

    @classmethod
    def at(cls, database_url: str, root: Path) -> Self:
        """Return the ledger at a plain database URL."""
        return cls(open_database(database_url, root))

    async def check(self) -> None:
        """Make sure the database answers and its tables are of this version.

        Raises:
            StoreError: Says what is wrong and what to run.
        """
        found = await self._database.read(migrate.current)
        if found != (wanted := migrate.newest()):
            raise StoreError(
                f"tables are at {found}, need {wanted}: run `baoke db upgrade`"
            )

    async def close(self) -> None:
        """Give all connections back."""
        await self._database.close()
