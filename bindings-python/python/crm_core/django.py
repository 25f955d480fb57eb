"""The engine in your Django transaction, on PostgreSQL or SQLite.

    with transaction.atomic():
        order.save()
        Crm(DjangoRepository(), actor="u1").quotes.accept("q1")

Both are committed together, or neither is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import connections, transaction

from .sql import Dialect, Ran, SqlRepository, Statement, Tables, outside, run


class DjangoRepository(SqlRepository):
    """A store in a Django database.

    It works inside `transaction.atomic()`: it never begins, commits or rolls back a transaction, a savepoint makes each operation
    whole, and outside of it it refuses.

    Args:
        using: the alias of the database.
        tables: the kinds that live in tables of yours, such as your models'; see `crm_core.sql.Tables`.
    """

    in_transaction = True

    def __init__(self, using: str = "default", *, tables: Tables | None = None) -> None:
        self.using = using
        self.map_tables(tables)

    @property
    def dialect(self) -> Dialect:  # type: ignore[override]
        """Whose SQL the database speaks."""
        vendor = connections[self.using].vendor
        if vendor == "postgresql":
            return "postgres"
        if vendor == "sqlite":
            return "sqlite"
        raise ValueError(f"no SQL is written for `{vendor}`: use PostgreSQL or SQLite")

    def execute(self, statements: Sequence[Statement], write: bool) -> Sequence[Ran]:
        """Executes statements in order, up to the first that does not come to what must happen."""
        connection = connections[self.using]
        if not connection.in_atomic_block:
            raise outside()
        with connection.cursor() as cursor:
            if not write:
                return run(statements, lambda statement: _one(cursor, statement))[0]
            savepoint = transaction.savepoint(using=self.using)
            try:
                done, whole = run(statements, lambda statement: _one(cursor, statement))
            except BaseException:
                transaction.savepoint_rollback(savepoint, using=self.using)
                raise
            if not whole:
                transaction.savepoint_rollback(savepoint, using=self.using)
            transaction.savepoint_commit(savepoint, using=self.using)
            return done


def _one(cursor: Any, statement: Statement) -> Ran:
    cursor.execute(_text(statement.text), statement.params or None)
    if statement.asks:
        return statement.ran(cursor.fetchall())
    return statement.ran(None, cursor.rowcount)


_MARKER = re.compile(r"\?|\$\d+::(\w+)")


@lru_cache(maxsize=1024)
def _text(text: str) -> str:
    """The statement with Django's markers."""
    if not _MARKER.search(text):
        return text
    return _MARKER.sub(lambda found: f"CAST(%s AS {found[1]})" if found[1] else "%s", text.replace("%", "%%"))
