"""The engine over a store: `Crm`, and `AsyncCrm` for asyncio."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, Unpack, overload

from pydantic import BaseModel

from . import _crm, models
from ._answer import Answer
from ._generated.areas import Areas
from ._generated.async_areas import AsyncAreas
from ._generated.operations import OPERATIONS
from ._links import AsyncEngine, AsyncLink, AsyncSteps, Engine, Link, Steps
from ._values import UNSET, Options, Unset
from ._wire import Settings, answer, arguments, dumps, loads, read, request
from .errors import CrmError, from_wire
from .repository import AsyncRepository, Repository
from .sql import AsyncSqlRepository, SqlRepository

T = TypeVar("T")

Configuration = models.Config | Mapping[str, Any]
"""The rules of a tenant, as a model or a dictionary."""

BatchStep = tuple[str, Any] | models.BatchItem | Mapping[str, Any]
"""An operation of a batch: `(op, input)`, or `{"op", "input", "expect_version"}`."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a whole, readable file of a store holds."""

    records: int
    """Records of all tenants and kinds."""
    events: int
    """Events of all tenants."""
    layout: int
    """The layout of the tables."""


class Crm(Areas):
    """The engine over a store.

    Open one with `Crm.open("sqlite:deals.db")` or `Crm.in_memory()`, or give a `repository` of your own. Every area of
    operations is an attribute: `crm.opportunities.advance("d1", to="proposal")` gives an `Answer` with `value` and
    `reasons`, or raises a `CrmError`. Safe to share between threads.

    Args:
        repository: your own store: an object with the methods of `crm_core.Repository`, or one of `crm_core.stores`,
            `crm_core.sqlalchemy` or `crm_core.django` that works in your database and your transaction.
        history: keeps every version of every record, for `history.list`, `history.as_of` and `history.verify`.
        config: a configuration to use instead of the stored one.
        options: what every operation is given unless a call says otherwise: see `crm_core.Options`.
    """

    def __init__(
        self,
        repository: Repository | SqlRepository,
        *,
        history: bool = False,
        config: Configuration | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._link: Link = Steps(repository, history)
        self._settings = Settings(Options()).at(config, options)

    @classmethod
    def _over(cls, link: Link, settings: Settings) -> Self:
        made = cls.__new__(cls)
        made._link, made._settings = link, settings
        return made

    @classmethod
    def in_memory(
        cls, *, history: bool = False, config: Configuration | None = None, **options: Unpack[Options]
    ) -> Self:
        """Opens an engine over an empty store in memory, which keeps every version of every record if `history` says so."""
        return cls._over(Engine(_crm.open_memory(history)), Settings(Options()).at(config, options))

    @classmethod
    def open(
        cls,
        address: str | os.PathLike[str],
        *,
        durability: Literal["power", "process"] = "power",
        busy_timeout: float = 5.0,
        history: bool = False,
        config: Configuration | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Opens an engine over an SQLite file, and makes the file when it is not there.

        Never open the file with another SQLite library in this process (Python's `sqlite3` is one): each would drop the
        other's locks, and committed records could vanish. `export_snapshot` writes a copy for queries of your own.

        Args:
            address: `sqlite:deals.db`, or a path.
            durability: what a commit outlives: a cut of `power` (the default), or only the end of the `process`, faster.
            busy_timeout: for how many seconds a commit waits for another process's lock.
            history: keeps every version of every record, from here on and as long as every writer opens the file so.
            config: a configuration to use instead of the stored one.
            options: what every operation is given unless a call says otherwise.
        """
        link = Engine(_opened(address, durability, busy_timeout, history))
        return cls._over(link, Settings(Options()).at(config, options))

    def at(self, *, config: Configuration | None | Unset = UNSET, **options: Unpack[Options]) -> Self:
        """The same engine with other options: `crm.at(actor="u1", zone="Asia/Shanghai")`."""
        return self._over(self._link, self._settings.at(config, options))

    def _run(self, op: str, given: dict[str, Any], kind: type[T], options: Options) -> Answer[T]:
        return read(self._link.send(request(op, arguments(op, given, options), self._settings, options)), kind)

    def call(self, op: str, input: Any = None, **options: Unpack[Options]) -> Answer[Any]:
        """Runs any operation by name on plain data, and gives plain data: texts, integers, lists and dictionaries."""
        return read(self._link.send(request(op, {} if input is None else input, self._settings, options)), object)

    def call_json(self, request: str) -> str:
        """Answers the text of a request with the text of an answer, and adds nothing to it."""
        return self._link.send(request)

    @overload
    def batch(
        self, steps: Iterable[BatchStep], *, atomic: Literal[True] = True, **options: Unpack[Options]
    ) -> list[Answer[Any]]: ...

    @overload
    def batch(
        self, steps: Iterable[BatchStep], *, atomic: Literal[False], **options: Unpack[Options]
    ) -> list[Answer[Any] | CrmError]: ...

    def batch(
        self, steps: Iterable[BatchStep], *, atomic: bool = True, **options: Unpack[Options]
    ) -> list[Answer[Any]] | list[Answer[Any] | CrmError]:
        """Runs several operations under one context.

        All are committed together or none is, and later ones see what earlier ones wrote. With `atomic=False` each is
        committed by itself, and the error of one that was refused stands in its place.

        Args:
            steps: `(op, input)` for each operation, at most 10,000.
            atomic: all in one commit, or each by itself.
            options: see `crm_core.Options`.
        """
        items = _items(steps)
        given = {"requests": items, "atomic": atomic}
        return _results(items, read(self._link.send(request("batch", given, self._settings, options)), object))

    def export_snapshot(self, target: str | os.PathLike[str]) -> None:
        """Writes everything, as of one moment, into a new SQLite file that any library may open."""
        _filed(self._link, "export_snapshot", target=target)

    def backup(self, target: str | os.PathLike[str]) -> Contents:
        """Writes a backup as of one moment while the store is in use, reads it back whole and says what is in it."""
        return Contents(**_filed(self._link, "backup", target=target))

    @staticmethod
    def restore(backup: str | os.PathLike[str], target: str | os.PathLike[str]) -> Contents:
        """Puts a verified copy of a backup where a store is to be opened, and says what is in it.

        A file that is there is never written over; a crash on the way leaves no half store.
        """
        return Contents(**_filed(None, "restore", backup=backup, target=target))

    def close(self) -> None:
        """Closes the store; an engine that nobody holds any more is closed by itself."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncCrm(AsyncAreas):
    """The engine over a store, for asyncio: the same operations, to be awaited.

    Stores of ours work in threads. A `repository` has the methods of `crm_core.AsyncRepository`, which are awaited
    where you are; a cancelled task aborts its operation, and nothing of it is kept unless its commit had ended.

    Args:
        repository: your own store.
        history: keeps every version of every record, as in `Crm`.
        config: a configuration to use instead of the stored one.
        options: what every operation is given unless a call says otherwise: see `crm_core.Options`.
    """

    def __init__(
        self,
        repository: AsyncRepository | AsyncSqlRepository,
        *,
        history: bool = False,
        config: Configuration | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._link: AsyncLink = AsyncSteps(repository, history)
        self._settings = Settings(Options()).at(config, options)

    @classmethod
    def _over(cls, link: AsyncLink, settings: Settings) -> Self:
        made = cls.__new__(cls)
        made._link, made._settings = link, settings
        return made

    @classmethod
    def in_memory(
        cls, *, history: bool = False, config: Configuration | None = None, **options: Unpack[Options]
    ) -> Self:
        """Opens an engine over an empty store in memory, which keeps every version of every record if `history` says so."""
        return cls._over(AsyncEngine(Engine(_crm.open_memory(history))), Settings(Options()).at(config, options))

    @classmethod
    def open(
        cls,
        address: str | os.PathLike[str],
        *,
        durability: Literal["power", "process"] = "power",
        busy_timeout: float = 5.0,
        history: bool = False,
        config: Configuration | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Opens an engine over an SQLite file, as `Crm.open` does; opening itself is not awaited."""
        link = AsyncEngine(Engine(_opened(address, durability, busy_timeout, history)))
        return cls._over(link, Settings(Options()).at(config, options))

    def at(self, *, config: Configuration | None | Unset = UNSET, **options: Unpack[Options]) -> Self:
        """The same engine with other options: `crm.at(actor="u1", zone="Asia/Shanghai")`."""
        return self._over(self._link, self._settings.at(config, options))

    async def _run(self, op: str, given: dict[str, Any], kind: type[T], options: Options) -> Answer[T]:
        text = request(op, arguments(op, given, options), self._settings, options)
        # What needs no store is quicker done than handed to a thread.
        return read(_crm.call(text) if OPERATIONS[op].effect == "pure" else await self._link.send(text), kind)

    async def call(self, op: str, input: Any = None, **options: Unpack[Options]) -> Answer[Any]:
        """Runs any operation by name on plain data, and gives plain data: texts, integers, lists and dictionaries."""
        text = request(op, {} if input is None else input, self._settings, options)
        return read(await self._link.send(text), object)

    async def call_json(self, request: str) -> str:
        """Answers the text of a request with the text of an answer, and adds nothing to it."""
        return await self._link.send(request)

    @overload
    async def batch(
        self, steps: Iterable[BatchStep], *, atomic: Literal[True] = True, **options: Unpack[Options]
    ) -> list[Answer[Any]]: ...

    @overload
    async def batch(
        self, steps: Iterable[BatchStep], *, atomic: Literal[False], **options: Unpack[Options]
    ) -> list[Answer[Any] | CrmError]: ...

    async def batch(
        self, steps: Iterable[BatchStep], *, atomic: bool = True, **options: Unpack[Options]
    ) -> list[Answer[Any]] | list[Answer[Any] | CrmError]:
        """Runs several operations under one context, as `Crm.batch` does."""
        items = _items(steps)
        text = request("batch", {"requests": items, "atomic": atomic}, self._settings, options)
        return _results(items, read(await self._link.send(text), object))

    def export_snapshot(self, target: str | os.PathLike[str]) -> None:
        """Writes everything, as of one moment, into a new SQLite file that any library may open."""
        _filed(self._link, "export_snapshot", target=target)

    async def backup(self, target: str | os.PathLike[str]) -> Contents:
        """Writes a backup as of one moment while the store is in use, reads it back whole and says what is in it."""
        return Contents(**await asyncio.to_thread(_filed, self._link, "backup", target=target))

    @staticmethod
    async def restore(backup: str | os.PathLike[str], target: str | os.PathLike[str]) -> Contents:
        """Puts a verified copy of a backup where a store is to be opened, as `Crm.restore` does."""
        return Contents(**await asyncio.to_thread(_filed, None, "restore", backup=backup, target=target))

    def close(self) -> None:
        """Closes the store; an engine that nobody holds any more is closed by itself."""
        self._link.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _opened(address: str | os.PathLike[str], durability: str, busy_timeout: float, history: bool) -> int:
    plain = loads(_crm.open(os.fspath(address), durability, busy_timeout, history))
    number: int = answer(plain, object).value
    return number


def _filed(link: Link | AsyncLink | None, command: str, **paths: str | os.PathLike[str]) -> Any:
    """Does with the file of an engine, or with files that nobody has open, what is no operation."""
    number = None
    if link is not None:
        engine = link.engine if isinstance(link, AsyncEngine) else link
        if not isinstance(engine, Engine):
            raise CrmError.of("unsupported_change", part=command)
        if engine.closed:
            raise CrmError.of("unknown_engine", engine=engine.number)
        number = engine.number
    wanted = {command: {name: os.fspath(path) for name, path in paths.items()}}
    return read(_crm.file(number, dumps(wanted)), object).value


_ITEM = '`("users.get", {"id": "u1"})` or `{"op": "users.get", "input": {"id": "u1"}}`'


def _items(steps: Iterable[BatchStep]) -> list[dict[str, Any]]:
    if isinstance(steps, (str, Mapping)):
        raise CrmError.of("wrong_type", path="requests", expected={"code": "list_such_as", "params": {"example": _ITEM}}, found="one item")
    return [_item(step, place) for place, step in enumerate(steps)]


def _item(step: BatchStep, place: int) -> dict[str, Any]:
    if isinstance(step, BaseModel):
        return step.model_dump(exclude_unset=True)
    if isinstance(step, Mapping):
        return dict(step)
    if isinstance(step, tuple) and len(step) == 2:
        return {"op": step[0], "input": step[1]}
    found = f"`{step}`" if isinstance(step, str) else f"a `{type(step).__name__}`"
    raise CrmError.of("wrong_type", path=f"requests[{place}]", expected=_ITEM, found=found)


def _results(items: list[dict[str, Any]], done: Answer[Any]) -> list[Any]:
    results: list[Any] = []
    for item, plain in zip(items, done.value["results"], strict=True):
        if plain["ok"]:
            results.append(answer(plain, OPERATIONS[item["op"]].answer))
        else:
            results.append(from_wire(plain["error"]))
    return results
