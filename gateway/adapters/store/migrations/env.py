"""The Alembic environment: runs inside the transaction that `migrate.upgrade` has begun."""

from alembic import context

from gateway.adapters.store.migrate import target_metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=target_metadata())
context.run_migrations()
