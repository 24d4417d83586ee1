"""Alembic's entry: runs on the connection that service.store.core.migrate hands over."""

from __future__ import annotations

from alembic import context

from service.store.tables import metadata

connection = context.config.attributes["connection"]
in_steps = context.config.attributes["in_steps"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    transaction_per_migration=in_steps,
    beside=in_steps,  # what a migration asks that builds an index beside writers
)
context.run_migrations()
