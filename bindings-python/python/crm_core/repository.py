"""A store of your own: what the engine asks of it, in plain dictionaries and lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

Record = Mapping[str, Any]
"""`{"kind", "id", "version", "schema", "keys": [hex, ...], "body": {...}}`; keep the body as JSON text, compare keys as bytes."""


@runtime_checkable
class Repository(Protocol):
    """Four methods; a `CrmError` they raise is the operation's, anything else aborts it and goes through to the caller."""

    def get(self, tenant: str, keys: Sequence[Mapping[str, Any]]) -> Sequence[Record | None]:
        """Gives one record, or None, for each `{"kind", "id"}`, in the keys' order.

        The kind `idempotency` reads the mark of a request: its body is `{"request_hash", "response"}`.
        """

    def find(self, query: Mapping[str, Any]) -> Sequence[Record]:
        """Gives the records that a query describes, in its order; `select` does so from records at hand."""

    def commit(self, change_set: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Writes a change set, whole or not at all.

        Raise `CrmError.of("version_conflict", kind=..., id=...)` when an `expect` does not hold (`record_exists` where a
        record was expected to be absent). Answer `{"replayed": {"response": text}}` when its idempotency key was
        committed before with the same hash, raise `idempotency_key_reused` with another one. Nothing else need be said.
        """

    def events(self, tenant: str, after: str | None, limit: int) -> Sequence[Mapping[str, Any]]:
        """Gives at most `limit` events after a cursor, as `{"cursor", "event"}`, in the order of their commits."""


@runtime_checkable
class AsyncRepository(Protocol):
    """The same four methods, to be awaited."""

    async def get(self, tenant: str, keys: Sequence[Mapping[str, Any]]) -> Sequence[Record | None]:
        """Gives one record, or None, for each `{"kind", "id"}`, in the keys' order."""

    async def find(self, query: Mapping[str, Any]) -> Sequence[Record]:
        """Gives the records that a query describes, in its order."""

    async def commit(self, change_set: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Writes a change set, whole or not at all."""

    async def events(self, tenant: str, after: str | None, limit: int) -> Sequence[Mapping[str, Any]]:
        """Gives at most `limit` events after a cursor, in the order of their commits."""


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
        if "in" in test:
            holds = _key(record, test["in"]["index"]) in test["in"]["keys"]
        elif "prefix" in test:
            holds = _key(record, test["prefix"]["index"]).startswith(test["prefix"]["prefix"])
        else:
            key, first, end = _key(record, test["range"]["index"]), test["range"]["from"], test["range"]["to"]
            holds = (first is None or key >= first) and (end is None or key < end)
        if not holds:
            return False
    return True
