"""Decisions on your own tables: the same operations over facts that you give, with no store at all.

`decide` answers with what else it needs until it can decide; `decide_with` asks your functions for it. What comes back is the
value, the reasons and the changes, which you carry out yourself, in your own transaction.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Unpack

from . import _crm, models
from ._answer import Reason
from ._generated.operations import KINDS, OPERATIONS
from ._values import Options
from ._wire import Settings, loads, request, typed
from .crm import Configuration
from .errors import CrmError, from_wire

Fact = Mapping[str, Any]
"""Something that you know, made by `fact`, `absent`, `found` or `happened`."""


def fact(kind: str, id: str, body: Mapping[str, Any], version: int | str | None = None) -> Fact:
    """A record of yours: all of its fields, and your own token by which a change by others is noticed."""
    return {"kind": kind, "id": id, "body": body, **({} if version is None else {"version": version})}


def absent(kind: str, id: str) -> Fact:
    """The fact that there is no such record."""
    return {"kind": kind, "id": id, "absent": True}


def found(need: Need, records: Iterable[Fact]) -> Fact:
    """All the records that a query needs."""
    return {"need": need.token, "records": list(records), "complete": True}


def happened(need: Need, events: Iterable[Mapping[str, Any]]) -> Fact:
    """All the events that are needed, each `{"cursor", "event"}`."""
    return {"need": need.token, "events": list(events)}


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a decision needs to know: a record, the records of a query, or events."""

    what: Literal["get", "find", "events"]
    """A record, the records of a query, or events."""
    kind: str | None
    """The kind of record."""
    id: str | None
    """The record's id, for a record."""
    token: str | None
    """By which the answer names this need, for a query or events."""
    asked: Mapping[str, Any]
    """All of what is asked."""

    @classmethod
    def _read(cls, need: Mapping[str, Any]) -> Need:
        for what in ("get", "find", "events"):
            if what in need:
                asked = need[what]
                return cls(what, asked.get("kind"), asked.get("id"), need.get("need"), asked)
        raise CrmError.of("unsupported_change", part=", ".join(need))


@dataclass(frozen=True, slots=True)
class Needs:
    """What a decision needs to know before it can be taken."""

    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Put:
    """A record to write."""

    kind: str
    """The kind of record."""
    id: str
    """The record's id."""
    body: Mapping[str, Any]
    """The whole new record, as it goes over the wire."""
    changed: Mapping[str, Any]
    """The fields that change, as they go over the wire; None empties one."""
    expect: Literal["absent", "unguarded"] | Mapping[str, Any]
    """What must be true before: `"absent"`, `{"version": token}`, or `"unguarded"` where you gave no version."""

    @property
    def version(self) -> int | str | None:
        """Your own token of the record as it was decided on; None for a new record, and where you gave none."""
        return None if isinstance(self.expect, str) else self.expect["version"]

    @property
    def record(self) -> Any:
        """The whole new record as a model."""
        return typed(self.body, KINDS[self.kind])

    @property
    def values(self) -> dict[str, Any]:
        """The fields that change, as Python values: decimals, dates, instants."""
        record = self.record
        return {name: getattr(record, name, None) for name in self.changed}


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that a decision changes; carry it out whole or not at all."""

    puts: tuple[Put, ...]
    """The records to write."""
    deletes: tuple[Mapping[str, Any], ...]
    """The records to remove."""
    requires: tuple[Mapping[str, Any], ...]
    """The records that were read and must not have changed."""
    events: tuple[models.Event, ...]
    """What happens by it, in order."""
    whole: Mapping[str, Any]
    """The change set as it goes over the wire."""

    @classmethod
    def _read(cls, changes: Mapping[str, Any]) -> Changes:
        puts = [
            Put(each["record"]["kind"], each["record"]["id"], each["record"]["body"], each["changed"], each["expect"])
            for each in changes["puts"]
        ]
        events = [typed(each, models.Event) for each in changes["events"]]
        return cls(tuple(puts), tuple(changes["deletes"]), tuple(changes["requires"]), tuple(events), changes)


@dataclass(frozen=True, slots=True)
class Done:
    """A decision: its value, why, and what it changes."""

    value: Any
    """What the operation answers."""
    reasons: tuple[Reason, ...]
    """Why."""
    changes: Changes
    """What you carry out."""
    unguarded: tuple[Mapping[str, Any], ...]
    """The records whose facts had no version: lock them yourself."""
    obligations: tuple[Mapping[str, Any], ...]
    """What you keep beside records and events, each `{"claim" | "counter" | "number" | "timer": ...}`."""
    notes: tuple[Reason, ...]
    """What is worth knowing, such as facts that were not used."""
    idempotency_key: str | None
    """The request's key, which is yours to check."""


Loader = Callable[[Need], Any] | Mapping[str, Callable[[Any], Any]]
"""Your functions by kind, each from an id to a body, `(body, version)`, a fact or None; or one function from a `Need` to a fact.

Under `find` and `events` stand functions from a `Need` to `found(...)` and `happened(...)`.
"""


def decide(
    op: str, input: Any, facts: Iterable[Fact] = (), *, config: Configuration | None = None, **options: Unpack[Options]
) -> Done | Needs:
    """Decides over facts, or says what else is needed.

    Args:
        op: the operation, such as `opportunities.advance`.
        input: its fields.
        facts: what you know, made by `fact`, `absent`, `found` and `happened`.
        config: the configuration; without one it is needed like a record.
        options: see `crm_core.Options`.
    """
    settings = Settings(Options()).at(config, options)
    plain = loads(_crm.decide(request(op, input, settings, Options(), facts=list(facts))))
    if not plain["ok"]:
        raise from_wire(plain["error"])
    if "needs" in plain["value"]:
        return Needs(tuple(map(Need._read, plain["value"]["needs"])))
    done = plain["value"]["done"]
    return Done(
        typed(done["value"], OPERATIONS[op].answer),
        tuple(map(Reason.from_wire, done.get("reasons", ()))),
        Changes._read(done["changes"]),
        tuple(done.get("unguarded", ())),
        tuple(done.get("obligations", ())),
        tuple(map(Reason.from_wire, done.get("notes", ()))),
        done.get("idempotency_key"),
    )


def decide_with(
    op: str, input: Any, load: Loader, *, config: Configuration | None = None, **options: Unpack[Options]
) -> Done:
    """Decides, and asks your functions for what it needs.

    `decide_with("opportunities.advance", {"id": "7", "to": "proposal"}, {"opportunity": load_deal}, actor="u1")`

    Args:
        op: the operation, such as `opportunities.advance`.
        input: its fields.
        load: your functions by kind of record; see `crm_core.decision.Loader`.
        config: the configuration; without one, and without a function for `configuration`, the built-in one.
        options: see `crm_core.Options`.
    """
    options = _fixed(options)
    facts: list[Fact] = []
    while True:
        result = decide(op, input, facts, config=config, **options)
        if isinstance(result, Done):
            return result
        facts.extend(_fact(need, _asked(load, need)) for need in result.needs)


async def decide_with_async(
    op: str, input: Any, load: Loader, *, config: Configuration | None = None, **options: Unpack[Options]
) -> Done:
    """The same, with functions that are awaited."""
    options = _fixed(options)
    facts: list[Fact] = []
    while True:
        result = decide(op, input, facts, config=config, **options)
        if isinstance(result, Done):
            return result
        for need in result.needs:
            given = _asked(load, need)
            facts.append(_fact(need, await given if isinstance(given, Awaitable) else given))


def _fixed(options: Options) -> Options:
    """Every attempt has the same present and the same seed."""
    filled: Options = {"now": dt.datetime.now(dt.timezone.utc), "seed": os.urandom(16).hex()}
    filled.update(options)
    return filled


def _asked(load: Loader, need: Need) -> Any:
    if not isinstance(load, Mapping):
        return load(need)
    if need.what != "get":
        if need.what not in load:
            maker = "found(need, records)" if need.what == "find" else "happened(need, events)"
            wanted = f"a list of the kind `{need.kind}`" if need.what == "find" else "events"
            raise LookupError(f"the decision needs {wanted}: give a function `{need.what}` from a need to `{maker}`")
        return load[need.what](need)
    kind = need.kind or ""
    if kind in load:
        return load[kind](need.id)
    if kind == "configuration":
        return None
    raise LookupError(f"the decision needs `{kind}`: give a function for it")


def _fact(need: Need, given: Any) -> Fact:
    if need.what != "get":
        if not isinstance(given, Mapping):
            maker = "found" if need.what == "find" else "happened"
            raise TypeError(f"the function for `{need.what}` gives what `crm_core.{maker}(need, ...)` makes")
        return given
    kind, id = need.kind or "", need.id or ""
    if given is None:
        return absent(kind, id)
    if isinstance(given, tuple):
        body, version = given
        return fact(kind, id, body, version)
    if isinstance(given, Mapping):
        is_fact = "kind" in given and ("body" in given or given.get("absent") is True)
        return given if is_fact else fact(kind, id, given)
    raise TypeError(f"the function for `{kind}` gives a dictionary of its fields, `(fields, version)`, or None")
