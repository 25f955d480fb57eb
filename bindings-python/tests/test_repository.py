"""A store written in Python, driven by the engine step by step."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

import crm_core
from crm_core import Crm, CrmError, Repository, _crm, select
from stores import DictRepository


def waiting() -> int:
    """How many operations wait: as many as can be begun until the table is full are free."""
    begun = []
    while True:
        said = json.loads(_crm.begin('{"op":"users.get","input":{"id":"u1"}}'))
        if not said["ok"]:
            break
        begun.append(said["handle"])
    for handle in begun:
        _crm.abort(handle)
    return 1024 - len(begun)


def test_the_same_operations() -> None:
    store = DictRepository()
    assert isinstance(store, Repository)
    crm = Crm(store, actor="u1")
    crm.users.create(id="u1", name="Ada")
    deal = crm.opportunities.create(name="Deal", owner="u1", amount="10.00", currency="USD").value
    crm.opportunities.advance(deal.id, to="proposal")
    assert crm.opportunities.get(deal.id).value.stage == "proposal"
    assert [each.id for each in crm.opportunities.find(owner="u1").value.items] == [deal.id]
    assert crm.quotes.price(currency="USD", lines=[{"quantity": 1, "unit_price": 1}]).value.total == 1
    kinds = [each.event.kind for each in crm.events.list().value.items]
    assert kinds == ["user.created", "opportunity.created", "opportunity.stage_moved"]
    assert store.calls.count("commit") == 3 and waiting() == 0


def test_pages_go_on_where_they_ended() -> None:
    crm = Crm(DictRepository())
    crm.batch([("users.create", {"id": f"u{at}", "name": f"User {at:02}"}) for at in range(25)])
    seen: list[str] = []
    cursor = None
    while True:
        page = crm.users.find(limit=10, **({} if cursor is None else {"cursor": cursor})).value
        seen.extend(user.name for user in page.items)
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == [f"User {at:02}" for at in range(25)]


def test_its_refusals_are_the_operations() -> None:
    class Locked(DictRepository):
        def commit(self, change_set: Mapping[str, Any]) -> Mapping[str, Any] | None:
            raise CrmError.of("storage_locked")

    with pytest.raises(crm_core.StorageError) as caught:
        Crm(Locked()).users.create(name="Ada")
    assert caught.value.code == "storage_locked" and caught.value.retryable and waiting() == 0


def test_a_conflict_is_decided_anew() -> None:
    class Busy(DictRepository):
        failures = 2

        def commit(self, change_set: Mapping[str, Any]) -> Mapping[str, Any] | None:
            if self.failures:
                self.failures -= 1
                raise CrmError.of("version_conflict", kind="user", id="u1")
            return super().commit(change_set)

    store = Busy()
    store.failures = 0
    crm = Crm(store)
    crm.users.create(id="u1", name="Ada")
    store.failures = 2
    assert crm.users.update("u1", team="West").value.version == 2
    store.failures = 3
    with pytest.raises(crm_core.ConflictError):
        crm.users.update("u1", team="East")


def test_its_own_exceptions_go_through_and_nothing_waits() -> None:
    class Broken(DictRepository):
        def get(self, tenant: str, keys: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | None]:
            raise ConnectionResetError("the line is dead")

    with pytest.raises(ConnectionResetError, match="the line is dead"):
        Crm(Broken()).users.get("u1")
    assert waiting() == 0


def test_wrong_answers_are_refused() -> None:
    class Wrong(DictRepository):
        answer: Any = None

        def get(self, tenant: str, keys: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | None]:
            return self.answer  # type: ignore[no-any-return]

    store = Wrong()
    for answer in (None, [], [None, None], [{"kind": "user"}], "text", [42]):
        store.answer = answer
        with pytest.raises(crm_core.ValidationError) as caught:
            Crm(store).users.get("u1")
        assert caught.value.code == "invalid_answer"
    assert waiting() == 0


def test_a_repeated_request_over_a_store_of_ones_own() -> None:
    store = DictRepository()
    crm = Crm(store)
    first = crm.users.create(name="Ada", idempotency_key="k")
    assert crm.users.create(name="Ada", idempotency_key="k") == first and len(store.records) == 1


def test_queries_are_answered_from_records_at_hand() -> None:
    def record(id: str, key: str) -> dict[str, Any]:
        return {"kind": "user", "id": id, "version": 1, "schema": 1, "keys": [key], "body": {}}

    records = [record("b", "0162"), record("a", "0162"), record("é", "0161"), record("c", "00")]
    query = {"kind": "user", "tests": [], "order": 0, "descending": False, "after": None, "limit": 9}

    def ids(**changes: Any) -> list[str]:
        return [each["id"] for each in select({**query, **changes}, records)]

    assert ids() == ["c", "é", "a", "b"] and ids(descending=True) == ["b", "a", "é", "c"]
    assert ids(order=None) == ["a", "b", "c", "é"] and ids(limit=1) == ["c"]
    assert ids(after={"key": "0162", "id": "a"}) == ["b"]
    assert ids(after={"key": "0162", "id": "a"}, descending=True) == ["é", "c"]
    assert ids(tests=[{"in": {"index": 0, "keys": ["0161", "00"]}}]) == ["c", "é"]
    assert ids(tests=[{"prefix": {"index": 0, "prefix": "01"}}]) == ["é", "a", "b"]
    assert ids(tests=[{"range": {"index": 0, "from": "01", "to": "0162"}}]) == ["é"]
    assert ids(kind="account") == []


def test_a_closed_engine_says_so() -> None:
    with Crm(DictRepository()) as crm:
        crm.users.create(name="Ada")
    with pytest.raises(crm_core.ValidationError):
        crm.users.find()
