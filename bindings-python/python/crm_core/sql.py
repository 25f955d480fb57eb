"""Stores that only execute statements: the engine writes the SQL, your connection runs it.

`SqlRepository` is what the stores of `crm_core.stores`, `crm_core.sqlalchemy` and `crm_core.django` are made of. A database of
your own needs its dialect and one method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Required, TypedDict

from . import _crm
from ._wire import dumps, loads
from .errors import CrmError, from_wire

if TYPE_CHECKING:
    from .crm import Configuration

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
    statements: list[str] = _given({"op": "store.tables", "input": {"sql": dialect, "layout": layout}})["statements"]
    return statements


def views(dialect: Dialect, config: Configuration | None = None) -> list[str]:
    """The statements that make the views for plain SQL, such as `crm_opportunities`, or put them in the place of earlier ones.

    Args:
        dialect: whose SQL.
        config: a configuration whose custom fields are columns too, named `custom_` and their ids.
    """
    statements: list[str] = _given({"op": "store.views", **_configured(config), "input": {"sql": dialect}})["statements"]
    return statements


def _given(request: Mapping[str, Any]) -> Any:
    return _value_of(loads(_crm.begin(dumps(request)))["done"])


def _configured(config: Configuration | None) -> dict[str, Any]:
    return {} if config is None else {"config": config}


class Column(TypedDict, total=False):
    """A column of a table of yours, where its name alone does not say enough."""

    column: Required[str]
    type: Literal["text", "int8", "uuid", "numeric", "date", "timestamp", "timestamptz", "boolean"]


class Table(TypedDict, total=False):
    """A table of yours that holds the records of a kind."""

    table: Required[str]
    """Its name, or its schema and name: `shop.customers`."""
    id: Required[str | Column]
    tenant: str | Column
    version: str | Column
    """The column that counts changes; needed for a table that is written."""
    writable: bool
    """Whether the engine may make and change rows."""
    fields: Required[Mapping[str, str | Column]]
    """The columns by the fields that they hold."""


Tables = Mapping[str, Table]
"""Tables of yours by the kinds that they hold, such as `account`, `product` and `user`."""


@lru_cache(maxsize=64)
def _checked(dialect: str, text: str) -> str:
    store = f'{{"sql":"{dialect}","tables":{text}}}'
    _value_of(loads(_crm.begin(f'{{"op":"store.tables","input":{{"sql":"{dialect}"}},"store":{store}}}'))["done"])
    return text


class _Sql:
    dialect: Dialect
    """Whose SQL the connection speaks."""
    in_transaction: bool = False
    """Whether operations take part in a transaction that the host begins and ends."""
    sql: ClassVar[bool] = True
    hosted: str | None = None
    """The kinds that live in tables of yours, as JSON; see `map_tables`."""

    def map_tables(self, given: Tables | None) -> None:
        """Says which kinds live in tables of yours.

        Raises:
            CrmError: everything that is wrong with the mapping.
        """
        self.hosted = None if given is None else _checked(self.dialect, dumps(given))

    def tables(self, layout: int | None = None) -> list[str]:
        """The statements that make the tables; see `crm_core.sql.tables`."""
        return tables(self.dialect, layout)

    def views(self, config: Configuration | None = None) -> list[str]:
        """The statements that make the views for plain SQL; see `crm_core.sql.views`."""
        return views(self.dialect, config)


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

    def create_views(self, config: Configuration | None = None) -> list[str]:
        """Makes the views for plain SQL, such as `crm_opportunities`, and replaces those that changed; the names of these.

        Args:
            config: a configuration whose custom fields are columns too, named `custom_` and their ids.
        """
        from ._links import Steps

        made: list[str] = _made(Steps(self).send(dumps({"op": "store.create_views", **_configured(config)})))["made"]
        return made


class AsyncSqlRepository(_Sql):
    """A repository that executes the engine's statements, to be awaited."""

    async def execute(self, statements: Sequence[Statement], write: bool) -> Sequence[Ran]:
        """Executes statements, as `SqlRepository.execute` does."""
        raise NotImplementedError

    async def create_tables(self) -> None:
        """Makes the engine's tables and indexes, or brings older ones up to date; to be repeated without harm."""
        from ._links import AsyncSteps

        _made(await AsyncSteps(self).send('{"op":"store.create_tables"}'))

    async def create_views(self, config: Configuration | None = None) -> list[str]:
        """Makes the views for plain SQL, such as `crm_opportunities`, and replaces those that changed; the names of these.

        Args:
            config: a configuration whose custom fields are columns too, named `custom_` and their ids.
        """
        from ._links import AsyncSteps

        made: list[str] = _made(await AsyncSteps(self).send(dumps({"op": "store.create_views", **_configured(config)})))["made"]
        return made


def _made(text: str) -> Any:
    return _value_of(loads(text))


def _value_of(answer: Mapping[str, Any]) -> Any:
    if not answer["ok"]:
        raise from_wire(answer["error"])
    return answer["value"]


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
