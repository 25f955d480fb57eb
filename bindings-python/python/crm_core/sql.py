"""Stores that only execute statements: the engine writes the SQL, your connection runs it.

`SqlRepository` is what the stores of `crm_core.stores`, `crm_core.sqlalchemy` and `crm_core.django` are made of. A database of
your own needs its dialect and one method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from . import _crm
from ._wire import dumps, loads
from .errors import CrmError, from_wire

Dialect = Literal["sqlite", "postgres"]

Value = str | int | bytes | None
"""A parameter of a statement."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; markers are `?` for SQLite, `$1::text` and so on for PostgreSQL."""

    text: str
    params: tuple[Value, ...]
    expect: str
    """What must happen: `rows` (any number of rows), `found` (so many rows), `changed` (so many rows changed), or `any`."""
    count: int = 0

    @property
    def asks(self) -> bool:
        """Whether it is a question, whose rows are wanted."""
        return self.expect in ("rows", "found")

    def ran(self, rows: Sequence[Sequence[Any]] | None, changed: int = 0) -> Ran:
        """What it came to: its rows when it asks, else how many rows it changed."""
        if self.asks:
            return Ran([list(row) for row in rows or ()], None, self.expect == "rows" or len(rows or ()) == self.count)
        return Ran(None, max(changed, 0), self.expect == "any" or changed == self.count)


@dataclass(frozen=True, slots=True)
class Ran:
    """What one statement came to."""

    rows: list[list[Any]] | None
    changed: int | None
    holds: bool
    """Whether that is what must happen."""

    def wire(self) -> dict[str, Any]:
        """As it goes to the engine: bytes in hexadecimal."""
        if self.rows is None:
            return {"changed": self.changed}
        return {"rows": [[_plain(value) for value in row] for row in self.rows]}


def _plain(value: Any) -> Any:
    return bytes(value).hex() if isinstance(value, (bytes, bytearray, memoryview)) else value


def run(statements: Sequence[Statement], one: Callable[[Statement], Ran]) -> tuple[list[Ran], bool]:
    """Runs statements in order up to the first that does not come to what must happen, and says whether all did."""
    done: list[Ran] = []
    for statement in statements:
        done.append(one(statement))
        if not done[-1].holds:
            return done, False
    return done, True


def tables(dialect: Dialect, layout: int | None = None) -> list[str]:
    """The statements that make the tables in a database, for migrations of your own.

    Args:
        dialect: whose SQL.
        layout: the layout that the database has (`SELECT value FROM crm_meta WHERE name = 'layout'`); None for one without
            tables.
    """
    given = {"sql": dialect, "layout": layout}
    answer = loads(_crm.begin(dumps({"op": "store.tables", "input": given})))["done"]
    if not answer["ok"]:
        raise from_wire(answer["error"])
    statements: list[str] = answer["value"]["statements"]
    return statements


class _Sql:
    dialect: Dialect
    """Whose SQL the connection speaks."""
    in_transaction: bool = False
    """Whether operations take part in a transaction that the host begins and ends."""
    sql: ClassVar[bool] = True

    def tables(self, layout: int | None = None) -> list[str]:
        """The statements that make the tables; see `crm_core.sql.tables`."""
        return tables(self.dialect, layout)


class SqlRepository(_Sql):
    """A repository that executes the engine's statements."""

    def execute(self, statements: Sequence[Statement], write: bool) -> Sequence[Ran]:
        """Executes statements in order, up to the first that does not come to what must happen.

        With `write` all of them count or none: when one does not come to what must happen, or fails, nothing of them stays. In
        a host's transaction that is a savepoint, otherwise a transaction. Without `write` they see one state of the database.
        """
        raise NotImplementedError

    def create_tables(self) -> None:
        """Makes the engine's tables and indexes, or brings older ones up to date; to be repeated without harm."""
        from ._links import Steps

        _made(Steps(self).send('{"op":"store.create_tables"}'))


class AsyncSqlRepository(_Sql):
    """A repository that executes the engine's statements, to be awaited."""

    async def execute(self, statements: Sequence[Statement], write: bool) -> Sequence[Ran]:
        """Executes statements, as `SqlRepository.execute` does."""
        raise NotImplementedError

    async def create_tables(self) -> None:
        """Makes the engine's tables and indexes, or brings older ones up to date; to be repeated without harm."""
        from ._links import AsyncSteps

        _made(await AsyncSteps(self).send('{"op":"store.create_tables"}'))


def _made(text: str) -> None:
    answer = loads(text)
    if not answer["ok"]:
        raise from_wire(answer["error"])


def statement(given: Mapping[str, Any]) -> Statement:
    """A statement as it comes from the engine."""
    expect = given["expect"]
    name, count = (expect, 0) if isinstance(expect, str) else next(iter(expect.items()))
    return Statement(given["text"], tuple(_value(param) for param in given["params"]), name, count)


def _value(param: Mapping[str, Any]) -> Value:
    ((kind, value),) = param.items()
    if kind == "text":
        return str(value)
    if kind == "int8":
        return int(value)
    return bytes.fromhex(value) if kind == "bytes" else None


def outside() -> CrmError:
    """The error of a connection without an open transaction."""
    return CrmError.of("outside_transaction")
