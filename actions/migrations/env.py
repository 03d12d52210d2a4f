"""Alembic's entry: runs on the connection that actions/migrate.py hands over.

No ``__init__.py`` beside this file: the action server imports every package of
``actions``, and this must only ever run inside Alembic.
"""

from alembic import context

from actions.database import Base
from actions.migrate import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
