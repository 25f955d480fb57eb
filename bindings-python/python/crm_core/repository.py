"""A store of your own: what the engine asks of it, in plain dictionaries and lists.

Beside its methods a repository may have `executes`, a list of the parts of a change set that it executes (`claims`, `counters`,
`allocate`, `timers`; all unless it says otherwise): what is not in it is refused before the repository is asked. With
`exact_text = True` it promises to keep bodies letter by letter, which one that reads their JSON does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

Record = Mapping[str, Any]
"""`{"kind", "id", "version", "schema", "keys": [hex, ...], "body": {...}}`; keep the body as JSON text, compare keys as bytes."""


@runtime_checkable
class Repository(Protocol):
    """A `CrmError` that its methods raise is the operation's, anything else aborts it and goes through to the caller.

    `crm_core.conformance` puts one to the promises.
    """

    def get(self, tenant: str, keys: Sequence[Mapping[str, Any]]) -> Sequence[Record | None]:
        """Gives one record, or None, for each `{"kind", "id"}`, in the keys' order.

        The kind `idempotency` reads the mark of a request: its body is `{"request_hash", "response"}`.
        """

    def find(self, query: Mapping[str, Any]) -> Sequence[Record]:
        """Gives the records that a query describes, in its order; `select` does so from records at hand."""

    def commit(self, change_set: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Writes a change set, whole or not at all.

        Raise `CrmError.of("version_conflict", kind=..., id=...)` when an `expect` does not hold (`record_exists` where a
        record to be written was expected to be absent). Answer `{"replayed": {"response": text}}` when its idempotency key was
        committed before with the same hash, raise `idempotency_key_reused` with another one. When numbers were given out
        (`allocate`), answer `{"done": {"numbers": {token: number}}}`, and `numbers` beside the stored `response` too; keep
        them with the records, events and mark of the commit as `numbers`. Otherwise nothing need be said.
        """

    def events(self, tenant: str, after: str | None, limit: int) -> Sequence[Mapping[str, Any]]:
        """Gives at most `limit` events after a cursor, as `{"cursor", "event"}`, in the order of their commits."""

    def due(self, tenant: str, now: str, limit: int) -> Sequence[Mapping[str, Any]]:
        """Gives the timers due at or before `now`, as `{"due", "key", "rule", "failures"}`, by time, kind, id and rule."""

    def next_due(self, limit: int) -> Sequence[Mapping[str, Any]]:
        """Gives when each tenant's first timer is due, as `{"due", "tenant"}`, by time and tenant."""


@runtime_checkable
class AsyncRepository(Protocol):
    """The same methods, to be awaited."""

    async def get(self, tenant: str, keys: Sequence[Mapping[str, Any]]) -> Sequence[Record | None]:
        """Gives one record, or None, for each `{"kind", "id"}`, in the keys' order."""

    async def find(self, query: Mapping[str, Any]) -> Sequence[Record]:
        """Gives the records that a query describes, in its order."""

    async def commit(self, change_set: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Writes a change set, whole or not at all."""

    async def events(self, tenant: str, after: str | None, limit: int) -> Sequence[Mapping[str, Any]]:
        """Gives at most `limit` events after a cursor, in the order of their commits."""

    async def due(self, tenant: str, now: str, limit: int) -> Sequence[Mapping[str, Any]]:
        """Gives the timers due at or before `now`, by time, kind, id and rule."""

    async def next_due(self, limit: int) -> Sequence[Mapping[str, Any]]:
        """Gives when each tenant's first timer is due, by time and tenant."""


def select(query: Mapping[str, Any], records: Iterable[Record]) -> list[Record]:
    """Answers a query from the records of its tenant.

    Keys are lower-case hex, which orders as the bytes do; ids order as their UTF-8 bytes.
    """
    order, after = query["order"], query["after"]

    def place(record: Record) -> tuple[str, bytes]:
        return ("" if order is None else _key(record, order), str(record["id"]).encode())

    found = [record for record in records if record["kind"] == query["kind"] and _passes(record, query["tests"])]
    if after is not None:
        last = (after["key"], str(after["id"]).encode())
        found = [each for each in found if (place(each) < last if query["descending"] else place(each) > last)]
    found.sort(key=place, reverse=query["descending"])
    return found[: query["limit"]]


def _key(record: Record, index: int) -> str:
    keys: Sequence[str] = record["keys"]
    return keys[index] if index < len(keys) else ""


def _passes(record: Record, tests: Iterable[Mapping[str, Any]]) -> bool:
    for test in tests:
        ((how, wanted),) = test.items()
        key = _key(record, wanted["index"])
        if how == "in":
            holds = key in wanted["keys"]
        elif how == "prefix":
            holds = key.startswith(wanted["prefix"])
        else:
            first, end = wanted["from"], wanted["to"]
            holds = (first is None or key >= first) and (end is None or key < end)
        # A record without the key passes no test of it.
        if not (holds and key):
            return False
    return True
