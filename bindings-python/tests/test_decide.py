"""Decisions over facts: the loop, the changes that come back, and the law that they are those of the operation on a store."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

import crm_core
from crm_core import Crm, Done, Need, Needs, absent, decide, decide_with, decide_with_async, fact, found, happened
from crm_core._wire import typed
from stores import DictRepository

NOW = dt.datetime(2026, 1, 31, 9, tzinfo=dt.timezone.utc)
DEAL = {"name": "Deal", "pipeline": "sales", "stage": "prospecting", "amount": "10.00", "currency": "USD"}
MOVE = {"id": "7", "to": "proposal"}


def test_what_is_unknown_is_needed() -> None:
    asked = decide("opportunities.advance", MOVE, actor="u1")
    assert isinstance(asked, Needs)
    assert [(need.what, need.kind, need.id) for need in asked.needs] == [("get", "opportunity", "7")]


def test_what_comes_back() -> None:
    done = decide_with(
        "opportunities.advance", MOVE, {"opportunity": lambda id: (DEAL, "xmin-812")}, actor="u1", now=NOW
    )
    assert done.value.stage == "proposal" and done.value.amount == Decimal("10.00")
    assert [reason.code for reason in done.reasons]
    (put,) = done.changes.puts
    assert (put.kind, put.id, put.expect) == ("opportunity", "7", {"version": "xmin-812"})
    assert put.changed["stage"] == "proposal" and "amount" not in put.changed
    assert put.values["stage"] == "proposal" and put.values["probability"] == put.record.probability
    assert put.values["updated_at"] == NOW and put.record.name == "Deal"
    (event,) = done.changes.events
    assert (event.kind, event.actor, event.effective_at) == ("opportunity.stage_moved", "u1", NOW)
    assert done.unguarded == () and done.idempotency_key is None


def test_a_fact_without_a_version_is_unguarded() -> None:
    done = decide_with("opportunities.advance", MOVE, {"opportunity": lambda id: DEAL})
    assert done.changes.puts[0].expect == "unguarded"
    assert [dict(key) for key in done.unguarded] == [{"kind": "opportunity", "id": "7"}]


def test_refusals_are_those_of_the_operation() -> None:
    with pytest.raises(crm_core.NotFoundError):
        decide_with("opportunities.advance", MOVE, {"opportunity": lambda id: None})
    won = {**DEAL, "stage": "won", "status": "won"}
    with pytest.raises(crm_core.InvalidTransitionError) as caught:
        decide_with("opportunities.advance", MOVE, {"opportunity": lambda id: won})
    assert caught.value.code == "already_closed"
    with pytest.raises(crm_core.ValidationError) as twice:
        decide("opportunities.advance", MOVE, [fact("opportunity", "7", DEAL), absent("opportunity", "7")])
    assert twice.value.code == "duplicate_fact"


def test_functions_that_are_missing_are_named() -> None:
    with pytest.raises(LookupError, match="the decision needs `opportunity`: give a function for it"):
        decide_with("opportunities.advance", MOVE, {})
    with pytest.raises(TypeError, match="the function for `opportunity` gives a dictionary"):
        decide_with("opportunities.advance", MOVE, {"opportunity": lambda id: 42})
    with pytest.raises(TypeError, match="gives what `crm_core.found"):
        decide_with("users.find", {}, {"find": lambda need: []})


def test_queries_and_events() -> None:
    def users(need: Need) -> Any:
        assert need.kind == "user" and need.asked["limit"]
        return found(need, [fact("user", "u1", {"name": "Ada"}), fact("user", "u2", {"name": "Eve"})])

    page = decide_with("users.find", {}, {"find": users}).value
    assert [user.name for user in page.items] == ["Ada", "Eve"]
    event = {
        "kind": "user.created",
        "record_kind": "user",
        "record_id": "u1",
        "effective_at": "2026-01-31T09:00:00Z",
        "recorded_at": "2026-01-31T09:00:00Z",
        "data": {},
    }
    listed = decide_with("events.list", {}, {"events": lambda need: happened(need, [{"cursor": "1", "event": event}])})
    assert listed.value.items[0].event.kind == "user.created"


def test_one_function_for_every_need_and_an_own_configuration() -> None:
    asked: list[str] = []

    def load(need: Need) -> Any:
        asked.append(f"{need.what} {need.kind} {need.id}")
        return fact("opportunity", need.id or "", {**DEAL, "pipeline": "p", "stage": "a"}, 3)

    stages = [{"id": "a"}, {"id": "b"}, {"id": "w", "kind": "won"}, {"id": "l", "kind": "lost"}]
    rules = {"version": 1, "pipelines": [{"id": "p", "stages": stages}]}
    done = decide_with("opportunities.advance", {"id": "7", "to": "b"}, load, config=rules, idempotency_key="k")
    assert done.value.stage == "b" and asked == ["get opportunity 7"] and done.idempotency_key == "k"


def test_awaited_functions() -> None:
    async def load(id: str) -> Any:
        await asyncio.sleep(0)
        return DEAL, 4

    async def run() -> Done:
        return await decide_with_async("opportunities.advance", MOVE, {"opportunity": load})

    assert asyncio.run(run()).changes.puts[0].expect == {"version": 4}


LIFE: list[tuple[str, dict[str, Any]]] = [
    ("users.create", {"id": "u1", "name": "Ada"}),
    ("accounts.create", {"id": "a1", "name": "Acme", "owner": "u1"}),
    ("products.create", {"id": "p1", "name": "Desk"}),
    ("price_books.create", {"id": "b1", "name": "List", "currency": "USD", "entries": []}),
    ("opportunities.create", {"id": "d1", "name": "Deal", "account": "a1", "owner": "u1"}),
    ("opportunities.update", {"id": "d1", "amount": "5", "currency": "USD"}),
    ("opportunities.advance", {"id": "d1", "to": "proposal"}),
    ("opportunities.lose", {"id": "d1", "reason": "price"}),
    ("opportunities.reopen", {"id": "d1"}),
    ("opportunities.win", {"id": "d1"}),
    ("opportunities.find", {"owner": "u1"}),
    ("opportunities.history", {"id": "d1"}),
]


def test_the_loop_decides_as_the_operation_on_a_store_does() -> None:
    store = DictRepository()
    crm = Crm(store, now=NOW, seed="s", actor="u1")

    def known(need: Need) -> Any:
        if need.what == "find":
            every = store.find(need.asked)
            return found(need, [fact(each["kind"], each["id"], each["body"], each["version"]) for each in every])
        (record,) = store.get("main", [{"kind": need.kind, "id": need.id}])
        return None if record is None else (record["body"], record["version"])

    for op, given in LIFE:
        done = decide_with(op, given, known, now=NOW, seed="s", actor="u1")
        logged = len(store.log)
        answer = crm.call(op, given)
        assert typed(answer.value, type(done.value)) == done.value, op
        assert done.reasons == answer.reasons, op
        for put in done.changes.puts:
            stored = json.loads(store.records["main", put.kind, put.id])
            assert stored["body"] == put.body, op
        assert [event for _, event in store.log[logged:]] == list(done.changes.whole["events"]), op
