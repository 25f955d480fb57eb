"""Stores in Python, put to the promises; and one in the host's transaction."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import crm_core
from crm_core import Crm, CrmError, UnsupportedError
from crm_core.sql import tables
from crm_core.stores.sqlite3 import SqliteRepository
from stores import AsyncDictRepository, DictRepository

PARTS = {"claims_are_unique", "counters_keep_limits", "numbers_have_no_gaps", "timers_fire_once"}


def test_dictionaries_keep_every_promise() -> None:
    report = crm_core.conformance(DictRepository())
    assert PARTS <= set(report.ran) and report.broken == ()
    assert "bodies_keep_their_text" not in report.ran
    assert asyncio.run(crm_core.conformance_async(AsyncDictRepository())).ran == report.ran


def test_what_is_not_executed_is_refused() -> None:
    class Plain(DictRepository):
        executes = ()

    report = crm_core.conformance(Plain())
    assert not PARTS & set(report.ran)


def test_a_broken_promise_is_told() -> None:
    class Forgetful(DictRepository):
        def commit(self, change_set: Mapping[str, Any]) -> Mapping[str, Any] | None:
            return super().commit({**change_set, "requires": []})

    with pytest.raises(AssertionError, match="promises that are not kept: 1\n  `expectations_are_kept`: ") as told:
        crm_core.conformance(Forgetful())
    assert "records_come_back" not in str(told.value)


def test_a_file_keeps_every_promise(tmp_path: Path) -> None:
    for database in (tmp_path / "crm.db", ":memory:"):
        report = crm_core.conformance(SqliteRepository(database))
        assert PARTS | {"bodies_keep_their_text"} <= set(report.ran)


def host(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE IF NOT EXISTS orders(id text PRIMARY KEY)")
    connection.execute("BEGIN")
    SqliteRepository(connection).create_tables()
    connection.commit()
    return connection


def test_the_hosts_transaction_keeps_every_promise(tmp_path: Path) -> None:
    connection = host(tmp_path / "app.db")
    connection.execute("BEGIN")
    report = crm_core.conformance(SqliteRepository(connection))
    assert PARTS <= set(report.ran) and connection.in_transaction
    connection.rollback()
    assert connection.execute("SELECT count(*) FROM crm_record").fetchone() == (0,)


def test_a_host_row_and_an_operation_stay_or_go_together(tmp_path: Path) -> None:
    connection = host(tmp_path / "app.db")
    crm = Crm(SqliteRepository(connection), actor="u1")

    def counts() -> tuple[int, int]:
        row = connection.execute("SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM crm_record)").fetchone()
        return (row[0], row[1])

    with pytest.raises(ZeroDivisionError), connection:
        connection.execute("INSERT INTO orders VALUES ('7')")
        crm.accounts.create(id="a1", name="Steel")
        assert counts() == (1, 1)
        1 / 0  # noqa: B018
    assert counts() == (0, 0)
    with connection:
        connection.execute("INSERT INTO orders VALUES ('7')")
        crm.accounts.create(id="a1", name="Steel")
    assert counts() == (1, 1)


def test_a_swallowed_refusal_leaves_nothing_half_done(tmp_path: Path) -> None:
    connection = host(tmp_path / "app.db")
    crm = Crm(SqliteRepository(connection), actor="u1")
    with connection:
        connection.execute("INSERT INTO orders VALUES ('7')")
        crm.accounts.create(id="a1", name="Steel")
        with pytest.raises(CrmError) as refused:
            crm.batch([("accounts.create", {"id": "a2", "name": "Iron"}), ("accounts.create", {"id": "a1", "name": "Two"})])
        assert refused.value.code == "record_exists"
    found = connection.execute("SELECT id FROM crm_record").fetchall()
    assert (found, connection.execute("SELECT count(*) FROM orders").fetchone()) == ([("a1",)], (1,))


def test_without_a_transaction_it_is_refused(tmp_path: Path) -> None:
    connection = host(tmp_path / "app.db")
    crm = Crm(SqliteRepository(connection))
    with pytest.raises(UnsupportedError, match="no transaction is open on the connection") as refused:
        crm.accounts.create(id="a1", name="Steel")
    assert refused.value.code == "outside_transaction"
    with pytest.raises(UnsupportedError):
        crm.accounts.find()


def test_a_conflict_is_not_tried_again_in_a_transaction(tmp_path: Path) -> None:
    class Counting(SqliteRepository):
        writes = 0

        def execute(self, statements: Any, write: bool) -> Any:
            self.writes += write
            if write and any(statement.text.startswith("UPDATE crm_record") for statement in statements):
                raise CrmError.of("version_conflict", kind="account", id="a1")
            return super().execute(statements, write)

    for in_transaction, wanted in ((True, 1), (False, 3)):
        connection = host(tmp_path / f"app{wanted}.db")
        store = Counting(connection if in_transaction else tmp_path / "own.db")
        crm = Crm(store)
        if in_transaction:
            connection.execute("BEGIN")
        crm.accounts.create(id="a1", name="Steel")
        store.writes = 0
        with pytest.raises(CrmError, match="changed by somebody else"):
            crm.accounts.update(id="a1", name="Iron")
        assert store.writes == wanted


def test_threads_share_a_store_of_its_own(tmp_path: Path) -> None:
    crm = Crm(SqliteRepository(tmp_path / "crm.db"), actor="u1")
    crm.accounts.create(id="a0", name="0")
    failures: list[BaseException] = []

    def work(place: int) -> None:
        try:
            for at in range(25):
                crm.accounts.create(id=f"a{place}.{at}", name="A")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(1, 5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert failures == [] and len(crm.accounts.find(limit=1000).value.items) == 101


def test_tables_as_statements(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "app.db")
    for text in tables("sqlite"):
        connection.execute(text)
    connection.commit()
    connection.execute("BEGIN")
    SqliteRepository(connection).create_tables()
    Crm(SqliteRepository(connection)).accounts.create(name="Steel")
    assert any("bytea" in text for text in tables("postgres"))
    with pytest.raises(CrmError, match="upgrade the engine"):
        tables("sqlite", layout=99)


def test_a_lock_is_waited_for_and_then_told(tmp_path: Path) -> None:
    crm = Crm(SqliteRepository(tmp_path / "crm.db", timeout=0.05))
    other = sqlite3.connect(tmp_path / "crm.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CrmError) as locked:
        crm.accounts.create(id="a1", name="Steel")
    assert (locked.value.code, locked.value.retryable) == ("storage_locked", True)
    other.execute("ROLLBACK")
    assert crm.accounts.create(id="a1", name="Steel").value.id == "a1"
