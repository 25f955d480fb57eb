"""Stores written in Python, as a host would write one: plain dictionaries, plain lists."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from crm_core import CrmError, select


class DictRepository:
    """Everything in dictionaries; what is given out is a copy, as from a database."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str, str], str] = {}
        self.marks: dict[tuple[str, str], Mapping[str, Any]] = {}
        self.log: list[tuple[str, Any]] = []
        self.calls: list[str] = []

    def get(self, tenant: str, keys: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | None]:
        self.calls.append("get")
        return [self._one(tenant, key) for key in keys]

    def _one(self, tenant: str, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if key["kind"] == "idempotency":
            mark = self.marks.get((tenant, key["id"]))
            if mark is None:
                return None
            body = {"request_hash": mark["request_hash"], "response": mark["response"]}
            return {"kind": "idempotency", "id": key["id"], "version": 1, "schema": 1, "keys": [], "body": body}
        text = self.records.get((tenant, key["kind"], key["id"]))
        return None if text is None else json.loads(text)

    def find(self, query: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        self.calls.append("find")
        mine = (json.loads(text) for (tenant, _, _), text in self.records.items() if tenant == query["tenant"])
        return list(select(query, mine))

    def commit(self, change_set: Mapping[str, Any]) -> Mapping[str, Any] | None:
        self.calls.append("commit")
        tenant = change_set["tenant"]
        mark = change_set.get("idempotency")
        if mark is not None:
            earlier = self.marks.get((tenant, mark["key"]))
            if earlier is not None and earlier["request_hash"] != mark["request_hash"]:
                raise CrmError.of("idempotency_key_reused", path="idempotency_key", key=mark["key"])
            if earlier is not None:
                return {"replayed": {"response": earlier["response"]}}
        for part in ("claims", "counters", "allocate", "timers"):
            if change_set[part]:
                raise CrmError.of("unsupported_change", part=part)
        for put in change_set["puts"]:
            self._check(tenant, put["record"], put["expect"])
        for each in [*change_set["deletes"], *change_set["requires"]]:
            self._check(tenant, each["key"], each["expect"])
        for put in change_set["puts"]:
            record = put["record"]
            self.records[tenant, record["kind"], record["id"]] = json.dumps(record)
        for delete in change_set["deletes"]:
            del self.records[tenant, delete["key"]["kind"], delete["key"]["id"]]
        self.log.extend((tenant, event) for event in change_set["events"])
        if mark is not None:
            self.marks[tenant, mark["key"]] = mark
        return None

    def _check(self, tenant: str, key: Mapping[str, Any], expect: Any) -> None:
        stored = self.records.get((tenant, key["kind"], key["id"]))
        if expect == "absent" and stored is not None:
            raise CrmError.of("record_exists", kind=key["kind"], id=key["id"])
        if expect != "absent" and (stored is None or json.loads(stored)["version"] != expect["version"]):
            raise CrmError.of("version_conflict", kind=key["kind"], id=key["id"])

    def events(self, tenant: str, after: str | None, limit: int) -> list[Mapping[str, Any]]:
        self.calls.append("events")
        first = 0 if after is None else int(after)
        mine = [event for owner, event in self.log if owner == tenant]
        every: list[Mapping[str, Any]] = [{"cursor": str(at + 1), "event": event} for at, event in enumerate(mine)]
        return every[first : first + limit]


class AsyncDictRepository:
    """The same, whose methods are awaited and give way to other tasks."""

    def __init__(self, pause: float = 0.0) -> None:
        self.inner = DictRepository()
        self.pause = pause

    async def get(self, tenant: str, keys: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | None]:
        await asyncio.sleep(self.pause)
        return self.inner.get(tenant, keys)

    async def find(self, query: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        await asyncio.sleep(self.pause)
        return self.inner.find(query)

    async def commit(self, change_set: Mapping[str, Any]) -> Mapping[str, Any] | None:
        await asyncio.sleep(self.pause)
        return self.inner.commit(change_set)

    async def events(self, tenant: str, after: str | None, limit: int) -> list[Mapping[str, Any]]:
        await asyncio.sleep(self.pause)
        return self.inner.events(tenant, after, limit)
