"""Stores written in Python, as a host would write one: plain dictionaries, plain lists."""

from __future__ import annotations

import asyncio
import datetime as dt
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
        self.given: list[Mapping[str, int]] = []
        self.claims: dict[tuple[str, str, str], Any] = {}
        self.counters: dict[tuple[str, str, str], int] = {}
        self.series: dict[tuple[str, str], int] = {}
        self.timers: dict[tuple[str, str, str, str], tuple[str, int]] = {}

    def get(self, tenant: str, keys: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | None]:
        self.calls.append("get")
        return [self._one(tenant, key) for key in keys]

    def _one(self, tenant: str, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if key["kind"] == "idempotency":
            mark = self.marks.get((tenant, key["id"]))
            if mark is None:
                return None
            body = {"request_hash": mark["request_hash"], "response": mark["response"]}
            record = {"kind": "idempotency", "id": key["id"], "version": 1, "schema": 1, "keys": [], "body": body}
            return {**record, "numbers": mark["numbers"]}
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
                return {"replayed": {"response": earlier["response"], "numbers": earlier["numbers"]}}
        for require in change_set["requires"]:
            self._check(tenant, require["key"], require["expect"], "version_conflict")
        for put in change_set["puts"]:
            self._check(tenant, put["record"], put["expect"])
        for delete in change_set["deletes"]:
            self._check(tenant, delete["key"], delete["expect"])
        claims, counters = self._claimed(tenant, change_set["claims"]), self._counted(tenant, change_set["counters"])
        for timer in change_set["timers"]:
            self._fires(tenant, timer)
        # Everything holds: from here on nothing is refused.
        numbers = {str(each["token"]): self._next(tenant, each["scope"]) for each in change_set["allocate"]}
        self.claims, self.counters = claims, counters
        for put in change_set["puts"]:
            record = {**put["record"], "numbers": numbers}
            self.records[tenant, record["kind"], record["id"]] = json.dumps(record)
        for delete in change_set["deletes"]:
            self.records.pop((tenant, delete["key"]["kind"], delete["key"]["id"]), None)
        for timer in change_set["timers"]:
            name = (tenant, timer["key"]["kind"], timer["key"]["id"], timer["rule"])
            self.timers.pop(name, None)
            if timer.get("due") is not None:
                self.timers[name] = (timer["due"], timer.get("failures", 0))
        self.log.extend((tenant, event) for event in change_set["events"])
        self.given.extend(numbers for _ in change_set["events"])
        if mark is not None:
            self.marks[tenant, mark["key"]] = {**mark, "numbers": numbers}
        return {"done": {"numbers": numbers}} if numbers else None

    def _claimed(self, tenant: str, claims: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, str], Any]:
        held = dict(self.claims)
        for claim in sorted(claims, key=lambda claim: not claim.get("release", False)):
            name = (tenant, claim["scope"], claim["name"])
            if claim.get("release"):
                if held.get(name) == claim["owner"]:
                    del held[name]
            elif held.setdefault(name, claim["owner"]) != claim["owner"]:
                raise CrmError.of("claim_taken", scope=claim["scope"], name=claim["name"])
        return held

    def _counted(self, tenant: str, counters: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, str], int]:
        values = dict(self.counters)
        for counter in counters:
            name, delta, most = (tenant, counter["scope"], counter["name"]), counter["delta"], counter.get("max")
            value = values.get(name, 0) + delta
            if delta > 0 and value > min(2**63 - 1, 2**63 if most is None else most):
                raise CrmError.of("limit_reached", scope=counter["scope"], name=counter["name"], max=most)
            values[name] = value
        return values

    def _fires(self, tenant: str, timer: Mapping[str, Any]) -> None:
        key = timer["key"]
        stored = self.timers.get((tenant, key["kind"], key["id"], timer["rule"]))
        if timer.get("fires") is not None and (stored is None or stored[0] != timer["fires"]):
            raise CrmError.of("version_conflict", kind="timer", id=key["id"])

    def _next(self, tenant: str, scope: str) -> int:
        self.series[tenant, scope] = self.series.get((tenant, scope), 0) + 1
        return self.series[tenant, scope]

    def _check(self, tenant: str, key: Mapping[str, Any], expect: Any, there: str = "record_exists") -> None:
        stored = self.records.get((tenant, key["kind"], key["id"]))
        if expect == "absent" and stored is not None:
            raise CrmError.of(there, kind=key["kind"], id=key["id"])
        if expect != "absent" and (stored is None or json.loads(stored)["version"] != expect["version"]):
            raise CrmError.of("version_conflict", kind=key["kind"], id=key["id"])

    def events(self, tenant: str, after: str | None, limit: int) -> list[Mapping[str, Any]]:
        self.calls.append("events")
        if after is not None and not after.isdecimal():
            raise CrmError.of("invalid_cursor")
        first = 0 if after is None else int(after)
        mine = [(event, given) for (owner, event), given in zip(self.log, self.given, strict=True) if owner == tenant]
        every: list[Mapping[str, Any]] = [
            {"cursor": str(at + 1), "event": event, "numbers": numbers} for at, (event, numbers) in enumerate(mine)
        ]
        return every[first : first + limit]

    def due(self, tenant: str, now: str, limit: int) -> list[Mapping[str, Any]]:
        found = sorted(
            (_instant(due), kind, id, rule, due, failures)
            for (owner, kind, id, rule), (due, failures) in self.timers.items()
            if owner == tenant and _instant(due) <= _instant(now)
        )
        return [
            {"due": due, "key": {"kind": kind, "id": id}, "rule": rule, "failures": failures}
            for _, kind, id, rule, due, failures in found[:limit]
        ]

    def next_due(self, limit: int) -> list[Mapping[str, Any]]:
        first: dict[str, str] = {}
        for (tenant, *_), (due, _failures) in self.timers.items():
            first[tenant] = min(due, first.get(tenant, due), key=_instant)
        found = sorted((_instant(due), tenant, due) for tenant, due in first.items())
        return [{"due": due, "tenant": tenant} for _, tenant, due in found[:limit]]


def _instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


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

    async def due(self, tenant: str, now: str, limit: int) -> list[Mapping[str, Any]]:
        await asyncio.sleep(self.pause)
        return self.inner.due(tenant, now, limit)

    async def next_due(self, limit: int) -> list[Mapping[str, Any]]:
        await asyncio.sleep(self.pause)
        return self.inner.next_due(limit)
