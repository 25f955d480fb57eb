"""Every version of a record, where a host switches the history on: over each kind of store, waiting and awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from crm_core import AsyncCrm, Crm
from crm_core.sqlalchemy import SqlAlchemyRepository
from crm_core.stores.sqlite3 import SqliteRepository
from stores import AsyncDictRepository, DictRepository

TIMES = ["2026-01-01T09:00:00Z", "2026-01-08T09:00:00Z", "2026-01-15T09:00:00Z"]
NAMES = ["Acme", "Acme Ltd", "Acme plc"]


def own_file(folder: Path) -> SqliteRepository:
    made = SqliteRepository(str(folder / "own.db"))
    made.create_tables()
    return made


def database(folder: Path) -> SqlAlchemyRepository:
    made = SqlAlchemyRepository(sa.create_engine(f"sqlite:///{folder / 'app.db'}"))
    made.create_tables()
    return made


ENGINES: dict[str, Callable[[Path], Crm]] = {
    "memory": lambda _: Crm.in_memory(history=True),
    "file": lambda folder: Crm.open(folder / "deals.db", history=True),
    "own": lambda _: Crm(DictRepository(), history=True),
    "sqlite3": lambda folder: Crm(own_file(folder), history=True),
    "sqlalchemy": lambda folder: Crm(database(folder), history=True),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_version_is_kept_and_proved(engine: str, tmp_path: Path) -> None:
    with ENGINES[engine](tmp_path) as crm:
        crm.at(now=TIMES[0]).accounts.create(id="a1", name=NAMES[0])
        for at, name in zip(TIMES[1:], NAMES[1:], strict=True):
            crm.at(now=at).accounts.update("a1", name=name)
        entries = crm.history.list(kind="account", id="a1").value.items
        assert [entry.record_version for entry in entries] == [1, 2, 3]
        assert [entry.previous for entry in entries] == ["", entries[0].hash, entries[1].hash]
        then = crm.history.as_of(kind="account", id="a1", at="2026-01-10T00:00:00Z").value
        assert then.version == 2 and then.body is not None and then.body["name"] == "Acme Ltd"
        verified = crm.history.verify(kind="account", id="a1").value
        assert (verified.entries, verified.broken_at) == (3, None)
        assert [account.name for account in crm.accounts.find().value.items] == ["Acme plc"]


def test_without_it_nothing_is_kept(tmp_path: Path) -> None:
    for crm in (Crm.in_memory(), Crm.open(tmp_path / "deals.db"), Crm(DictRepository())):
        crm.accounts.create(id="a1", name="Acme")
        assert crm.history.list(kind="account", id="a1").value.items == []
        crm.close()


@pytest.mark.parametrize("engine", ["memory", "file", "own"])
def test_the_same_awaited(engine: str, tmp_path: Path) -> None:
    async def run() -> None:
        if engine == "memory":
            crm = AsyncCrm.in_memory(history=True)
        elif engine == "file":
            crm = AsyncCrm.open(tmp_path / "deals.db", history=True)
        else:
            crm = AsyncCrm(AsyncDictRepository(), history=True)
        async with crm:
            await crm.accounts.create(id="a1", name="Acme")
            await crm.accounts.update("a1", name="Acme Ltd")
            assert len((await crm.history.list(kind="account", id="a1")).value.items) == 2
            verified = (await crm.history.verify(kind="account", id="a1")).value
            assert (verified.entries, verified.broken_at) == (2, None)

    asyncio.run(run())


def test_what_is_changed_behind_its_back_shows(tmp_path: Path) -> None:
    store = DictRepository()
    crm = Crm(store, history=True)
    crm.accounts.create(id="a1", name="Acme")
    crm.accounts.update("a1", name="Acme Ltd")
    first = crm.history.list(kind="account", id="a1").value.items[0]
    place = ("main", "history", str(first.id))
    assert "Acme" in store.records[place]
    store.records[place] = store.records[place].replace("Acme", "Apex")
    assert crm.history.verify(kind="account", id="a1").value.broken_at == 1
