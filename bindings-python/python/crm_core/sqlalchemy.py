"""The engine in your SQLAlchemy session's transaction, on PostgreSQL or SQLite.

    with Session(engine) as session, session.begin():
        session.add(order)
        Crm(SqlAlchemyRepository(session), actor="u1").quotes.accept("q1")

Both are committed together, or neither is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .sql import AsyncSqlRepository, Dialect, Ran, SqlRepository, Statement, Tables, outside, run

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession


class SqlAlchemyRepository(SqlRepository):
    """A store in an SQLAlchemy session, connection or engine.

    In a session or connection it works inside the transaction that is open there: it never begins, commits or rolls back one, a
    savepoint makes each operation whole, and without an open transaction it refuses. Over an engine every commit is a
    transaction of its own.

    Args:
        bind: a `Session`, a `Connection` or an `Engine`.
        tables: the kinds that live in tables of yours; see `crm_core.sql.Tables`.
    """

    def __init__(self, bind: Session | sa.Connection | sa.Engine, *, tables: Tables | None = None) -> None:
        self.bind = bind
        self.in_transaction = not isinstance(bind, sa.Engine)
        self.dialect = _dialect(bind.get_bind() if isinstance(bind, Session) else bind)
        self.map_tables(tables)

    def execute(self, statements: Sequence[Statement], write: bool) -> Sequence[Ran]:
        """Executes statements in order, up to the first that does not come to what must happen."""
        if isinstance(self.bind, sa.Engine):
            return _by_itself(self.bind, self.dialect, statements, write)
        if not self.bind.in_transaction():
            raise outside()
        connection = self.bind.connection() if isinstance(self.bind, Session) else self.bind
        return _inside(connection, self.dialect, statements, write)


class AsyncSqlAlchemyRepository(AsyncSqlRepository):
    """The same over an `AsyncSession`, `AsyncConnection` or `AsyncEngine`, for `AsyncCrm`.

    Args:
        bind: whose transaction it works in; over an engine every commit is a transaction of its own.
        tables: the kinds that live in tables of yours; see `crm_core.sql.Tables`.
    """

    def __init__(
        self, bind: AsyncSession | AsyncConnection | AsyncEngine, *, tables: Tables | None = None
    ) -> None:
        from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

        self.bind = bind
        inner: Session | sa.Connection | sa.Engine | None
        if isinstance(bind, AsyncSession):
            inner = bind.sync_session
        else:
            inner = bind.sync_engine if isinstance(bind, AsyncEngine) else bind.sync_connection
        if inner is None:
            # A connection that was not started has no transaction either.
            raise outside()
        self._inner = SqlAlchemyRepository(inner)
        self.in_transaction = self._inner.in_transaction
        self.dialect = self._inner.dialect
        self.map_tables(tables)

    async def execute(self, statements: Sequence[Statement], write: bool) -> Sequence[Ran]:
        """Executes statements in order, up to the first that does not come to what must happen."""
        from sqlalchemy.util import greenlet_spawn

        ran: Sequence[Ran] = await greenlet_spawn(self._inner.execute, statements, write)
        return ran


def _dialect(bind: sa.Engine | sa.Connection) -> Dialect:
    name = bind.dialect.name
    if name == "postgresql":
        return "postgres"
    if name == "sqlite":
        return "sqlite"
    raise ValueError(f"no SQL is written for `{name}`: use PostgreSQL or SQLite")


def _by_itself(engine: sa.Engine, dialect: Dialect, statements: Sequence[Statement], write: bool) -> list[Ran]:
    with engine.connect() as connection:
        _begin(connection, dialect, write)
        done, whole = run(statements, lambda statement: _one(connection, statement))
        if write and whole:
            connection.commit()
        else:
            connection.rollback()
        return done


def _inside(connection: sa.Connection, dialect: Dialect, statements: Sequence[Statement], write: bool) -> list[Ran]:
    if getattr(connection.connection.dbapi_connection, "autocommit", False) is True:
        raise outside()
    if not write:
        return run(statements, lambda statement: _one(connection, statement))[0]
    _begin(connection, dialect, write)
    savepoint = connection.begin_nested()
    try:
        done, whole = run(statements, lambda statement: _one(connection, statement))
    except BaseException:
        savepoint.rollback()
        raise
    if whole:
        savepoint.commit()
    else:
        savepoint.rollback()
    return done


def _begin(connection: sa.Connection, dialect: Dialect, write: bool) -> None:
    """Sends the BEGIN that Python's SQLite driver holds back until the first change, so that reads and savepoints are in it too."""
    if dialect == "sqlite" and not getattr(connection.connection.driver_connection, "in_transaction", True):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _one(connection: sa.Connection, statement: Statement) -> Ran:
    if statement.params:
        given = {f"p{place}": value for place, value in enumerate(statement.params, 1)}
        result: sa.CursorResult[Any] = connection.execute(_text(statement.text), given)
    else:
        result = connection.exec_driver_sql(statement.text)
    if statement.asks:
        return statement.ran([tuple(row) for row in result])
    return statement.ran(None, result.rowcount)


_MARKER = re.compile(r"\?|\$(\d+)::(\w+)")


@lru_cache(maxsize=1024)
def _text(text: str) -> sa.TextClause:
    """The statement with SQLAlchemy's markers."""
    place = 0

    def marker(found: re.Match[str]) -> str:
        nonlocal place
        place += 1
        return f"CAST(:p{found[1]} AS {found[2]})" if found[1] else f":p{place}"

    # A colon that stands in the text itself is no marker.
    return sa.text(_MARKER.sub(marker, text.replace("::", "\0").replace(":", r"\:").replace("\0", "::")))
