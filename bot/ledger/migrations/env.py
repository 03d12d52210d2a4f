"""Alembic's entry: runs on the connection that bot/ledger/migrate.py hands over."""

from alembic import context

from bot.ledger.desk_tables import metadata
from bot.ledger.migrate import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
