"""A store over Python's own `sqlite3`: a file of its own, or your connection and your transaction.

Never the file of `Crm.open`: two SQLite libraries on one file in one process lose each other's locks.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..errors import CrmError
from ..sql import Dialect, Ran, SqlRepository, Statement, Tables, outside, run


class SqliteRepository(SqlRepository):
    """A store over `sqlite3`.

    Given a path it keeps a connection of its own, and every commit is a transaction. Given your connection it works inside
    your transaction: it never begins, commits or rolls back one, a savepoint makes each operation whole, and without an open
    transaction it refuses.

    Args:
        database: the path of a file (`:memory:` works too), or an open `sqlite3.Connection`.
        timeout: for how many seconds a commit waits for another connection's lock; for a path.
        tables: the kinds that live in tables of yours; see `crm_core.sql.Tables`.
    """

    dialect: Dialect = "sqlite"

    def __init__(
        self,
        database: str | os.PathLike[str] | sqlite3.Connection,
        *,
        timeout: float = 5.0,
        tables: Tables | None = None,
    ) -> None:
        self.map_tables(tables)
        self.in_transaction = isinstance(database, sqlite3.Connection)
        self._lock = threading.RLock()
        if isinstance(database, sqlite3.Connection):
            self.connection = database
        else:
            self.connection = sqlite3.connect(database, timeout=timeout, isolation_level=None, check_same_thread=False)
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.create_tables()

    def execute(self, statements: Sequence[Statement], write: bool) -> Sequence[Ran]:
        """Executes statements in order, up to the first that does not come to what must happen."""
        with self._lock:
            cursor = self.connection.cursor()
            try:
                with self._whole(cursor, write, len(statements)) as undo:
                    done, whole = run(statements, lambda statement: _one(cursor, statement))
                    if not whole:
                        undo()
                return done
            finally:
                cursor.close()

    @contextmanager
    def _whole(self, cursor: sqlite3.Cursor, write: bool, count: int) -> Iterator[_Undo]:
        """All that happens inside, or nothing of it."""
        undo = _Undo()
        if self.in_transaction:
            if not self.connection.in_transaction:
                raise outside()
            begin, keep, drop = "SAVEPOINT crm_core", "RELEASE crm_core", "ROLLBACK TO crm_core"
        else:
            begin, keep, drop = "BEGIN IMMEDIATE" if write else "BEGIN", "COMMIT", "ROLLBACK"
        if not write and (self.in_transaction or count < 2):
            yield undo
            return
        _locked(cursor, begin)
        try:
            yield undo
        except BaseException:
            undo()
            raise
        finally:
            # A full disk, for one, rolls everything back by itself.
            if self.connection.in_transaction:
                if undo.wanted:
                    cursor.execute(drop)
                if self.in_transaction or not undo.wanted:
                    self._keep(cursor, keep)

    def _keep(self, cursor: sqlite3.Cursor, text: str) -> None:
        try:
            cursor.execute(text)
        except sqlite3.Error:
            if not self.in_transaction and self.connection.in_transaction:
                cursor.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Closes a connection of its own; yours stays open."""
        if not self.in_transaction:
            self.connection.close()


class _Undo:
    wanted = False

    def __call__(self) -> None:
        self.wanted = True


def _one(cursor: sqlite3.Cursor, statement: Statement) -> Ran:
    cursor.execute(statement.text, statement.params)
    return statement.ran(cursor.fetchall() if statement.asks else None, cursor.rowcount)


def _locked(cursor: sqlite3.Cursor, text: str) -> None:
    try:
        cursor.execute(text)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
        raise CrmError.of("storage_locked") from error
