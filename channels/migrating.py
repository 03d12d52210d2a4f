"""The database's two histories, both brought to the newest version before serving.

The edge's tables are migrated here, those of the action server by its own command. To
look whether anything is missing needs neither.
"""

from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import StoreError
from bot.ledger import migrate
from bot.ledger.database import sync_url
from bot.settings import Settings

STORE_VERSION_TABLE = "alembic_version_store"
STORE_SCRIPTS = Path("actions") / "migrations"


@dataclass(frozen=True)
class Versions:
    """What the database has and what this code wants.

    Attributes:
        ledger: Version of the edge's tables, None when there are none.
        store: Version of the action server's tables.
        newest_ledger: The wanted one.
        newest_store: The wanted one.
    """

    ledger: str | None
    store: str | None
    newest_ledger: str
    newest_store: str

    @property
    def is_current(self) -> bool:
        """Whether nothing is missing."""
        found = (self.ledger, self.store)
        return found == (self.newest_ledger, self.newest_store)


def read_versions(settings: Settings) -> Versions:
    """Look into the database; one that does not exist yet is not made.

    Raises:
        StoreError: It cannot be read.
        ValueError: Its address cannot be used.
    """
    scripts = Config()
    where = str(settings.root / STORE_SCRIPTS).replace("%", "%%")
    scripts.set_main_option("script_location", where)
    scripts.set_main_option("path_separator", "os")
    newest_store = ScriptDirectory.from_config(scripts).get_current_head() or ""
    url = sync_url(settings.database_url, settings.root)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return Versions(None, None, migrate.newest(), newest_store)
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            store = MigrationContext.configure(
                connection, opts={"version_table": STORE_VERSION_TABLE}
            ).get_current_revision()
            ledger = migrate.current(connection)
    except SQLAlchemyError as err:
        raise StoreError(f"the database cannot be read: {_first_line(err)}") from err
    finally:
        engine.dispose()
    return Versions(ledger, store, migrate.newest(), newest_store)


def upgrade_ledger(settings: Settings) -> str:
    """Bring the edge's tables to the newest version and return it.

    Raises:
        StoreError: It failed.
        ValueError: The database's address cannot be used.
    """
    try:
        return migrate.upgrade(sync_url(settings.database_url, settings.root))
    except (SQLAlchemyError, OSError) as err:
        raise StoreError(f"the upgrade failed: {_first_line(err)}") from err


def _first_line(err: Exception) -> str:
    cause = getattr(err, "orig", None) or err
    return (str(cause).splitlines() or [type(cause).__name__])[0][:200]
