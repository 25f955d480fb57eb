"""The ways to a store: an engine of ours, or a repository of yours that the engine asks step by step."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable
from typing import Any, Protocol

from . import _crm
from ._wire import dumps, loads
from .errors import CrmError, StorageError, to_wire
from .repository import AsyncRepository, Repository
from .sql import AsyncSqlRepository, SqlRepository, statement

_DONE = '{"ok":true,"done":'


class Link(Protocol):
    """Answers the text of a request with the text of an answer."""

    def send(self, request: str) -> str:
        """Answers."""

    def close(self) -> None:
        """Ends; closing twice is harmless."""


class AsyncLink(Protocol):
    """Answers the text of a request with the text of an answer, to be awaited."""

    async def send(self, request: str) -> str:
        """Answers."""

    def close(self) -> None:
        """Ends; closing twice is harmless."""


class Engine:
    """An engine of ours over a store of ours; closed when nobody holds it any more."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._finalizer = weakref.finalize(self, _crm.close, number)

    @property
    def closed(self) -> bool:
        """Whether the store is closed."""
        return not self._finalizer.alive

    def send(self, request: str) -> str:
        """Answers; other threads run meanwhile."""
        return _crm.call_on(self.number, request)

    def close(self) -> None:
        """Closes the store."""
        self._finalizer()


class AsyncEngine:
    """The same, in a thread of its own while it works."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def send(self, request: str) -> str:
        """Answers in a thread; when the task is cancelled, the operation still ends as it does."""
        return await asyncio.to_thread(self.engine.send, request)

    def close(self) -> None:
        """Closes the store."""
        self.engine.close()


class _Ended:
    def __init__(self) -> None:
        self.ended = False

    def close(self) -> None:
        """Ends the use of the repository, which stays yours."""
        self.ended = True

    def check(self) -> None:
        if self.ended:
            raise CrmError.of("unknown_engine", engine="of this repository")


def _described(request: str, repository: Any, history: bool) -> str:
    """The request, what the repository says of itself, and whether its history is kept."""
    store = {name: value for name in ("executes", "exact_text") if (value := getattr(repository, name, None)) is not None}
    if isinstance(repository, (SqlRepository, AsyncSqlRepository)):
        store = {"sql": repository.dialect, "in_transaction": repository.in_transaction}
    if history:
        store["history"] = True
    text = request.rstrip()
    if not store or not text.endswith("}"):
        return request
    described = dumps(store)
    hosted = getattr(repository, "hosted", None)
    if "sql" in store and hosted is not None:
        described = f'{described[:-1]},"tables":{hosted}}}'
    return f'{text[:-1]},"store":{described}}}'


class Steps(_Ended):
    """A repository of yours, asked step by step."""

    def __init__(self, repository: Repository | SqlRepository, history: bool = False) -> None:
        super().__init__()
        self.repository = repository
        self.history = history

    def send(self, request: str) -> str:
        """Answers; the operation is aborted when the repository raises anything but a `CrmError`."""
        self.check()
        text = _crm.begin(_described(request, self.repository, self.history))
        handle: int | None = None
        try:
            while not text.startswith(_DONE):
                step = loads(text)
                if not step["ok"]:
                    handle = None
                    return text
                handle = step["handle"]
                answers = [self._answer(need) for need in step["needs"]]
                text = _crm.resume(step["handle"], dumps(answers))
            handle = None
            return text[len(_DONE) : -1]
        finally:
            if handle is not None:
                _crm.abort(handle)

    def _answer(self, need: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"id": need["id"], "ok": _wanted(need, _ask(self.repository, need))}
        except CrmError as error:
            return {"id": need["id"], "error": to_wire(error)}


class AsyncSteps(_Ended):
    """A repository of yours with awaited methods, asked step by step."""

    def __init__(self, repository: AsyncRepository | AsyncSqlRepository, history: bool = False) -> None:
        super().__init__()
        self.repository = repository
        self.history = history

    async def send(self, request: str) -> str:
        """Answers; the operation is aborted when the task is cancelled or the repository raises anything but a `CrmError`."""
        self.check()
        text = await self._begin(_described(request, self.repository, self.history))
        handle: int | None = None
        try:
            while not text.startswith(_DONE):
                step = loads(text)
                if not step["ok"]:
                    handle = None
                    return text
                handle = step["handle"]
                # One after the other: a database session serves one query at a time.
                answers = [await self._answer(need) for need in step["needs"]]
                text = _crm.resume(step["handle"], dumps(answers))
            handle = None
            return text[len(_DONE) : -1]
        finally:
            if handle is not None:
                _crm.abort(handle)

    async def _begin(self, request: str) -> str:
        """Begins, and waits for others to end while too many operations run."""
        pause = 0.001
        while True:
            text = _crm.begin(request)
            if '"too_many_handles"' not in text or loads(text).get("error", {}).get("code") != "too_many_handles":
                return text
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.05)

    async def _answer(self, need: dict[str, Any]) -> dict[str, Any]:
        try:
            given = _ask(self.repository, need)
            return {"id": need["id"], "ok": _wanted(need, await given if isinstance(given, Awaitable) else given)}
        except CrmError as error:
            return {"id": need["id"], "error": to_wire(error)}


def _ask(repository: Any, need: dict[str, Any]) -> Any:
    if "get" in need:
        return repository.get(need["get"]["tenant"], need["get"]["keys"])
    if "find" in need:
        return repository.find(need["find"])
    if "commit" in need:
        return repository.commit(need["commit"])
    if "events" in need:
        asked = need["events"]
        return repository.events(asked["tenant"], asked["after"], asked["limit"])
    if "sql" in need:
        return repository.execute([statement(each) for each in need["sql"]["statements"]], need["sql"]["write"])
    if "due" in need and hasattr(repository, "due"):
        return repository.due(need["due"]["tenant"], need["due"]["now"], need["due"]["limit"])
    if "next_due" in need and hasattr(repository, "next_due"):
        return repository.next_due(need["next_due"]["limit"])
    if "due" in need or "next_due" in need:
        raise CrmError.of("unsupported_change", part="timers")
    asked = ", ".join(f"`{name}`" for name in need if name != "id")
    raise StorageError(f"this version of the package cannot answer {asked}: upgrade it", code="storage_failed")


def _wanted(need: dict[str, Any], given: Any) -> Any:
    """A commit may end without saying anything; results of statements become plain."""
    if "sql" in need:
        return [each.wire() for each in given]
    return {"done": {}} if "commit" in need and given is None else given
