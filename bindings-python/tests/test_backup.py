"""Backup while the store is in use, and the way back."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from crm_core import AsyncCrm, Contents, Crm, StorageError, UnsupportedError
from stores import DictRepository


def test_a_backup_holds_one_moment_and_is_restored_whole(tmp_path: Path) -> None:
    backup, restored = tmp_path / "backup.db", tmp_path / "restored.db"
    with Crm.open(tmp_path / "deals.db", durability="process") as crm:
        crm.batch([("users.create", {"id": f"u{at}", "name": "Ada"}) for at in range(200)])
        stop = threading.Event()

        def write() -> None:
            at = 0
            while not stop.is_set():
                # Two records a commit: a moment has both or none.
                crm.batch([("accounts.create", {"id": f"{side}{at}", "name": "A"}) for side in "lr"])
                at += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            held = crm.backup(backup)
        finally:
            stop.set()
            writer.join()
        now = crm.accounts.find(limit=1000).value.items
        assert isinstance(held, Contents) and 200 <= held.records <= 200 + len(now) and held.records % 2 == 0
    assert Crm.restore(backup, restored) == held and backup.exists()
    with Crm.open(restored) as again:
        names = {str(each.id) for each in again.accounts.find(limit=1000).value.items}
        assert {name[1:] for name in names if name[0] == "l"} == {name[1:] for name in names if name[0] == "r"}
        assert len(names) == held.records - 200
        again.users.update("u1", name="Eve")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    with Crm.open(tmp_path / "deals.db") as crm:
        crm.users.create(id="u1", name="Ada")
        crm.backup(tmp_path / "backup.db")
        with pytest.raises(StorageError):
            crm.backup(tmp_path / "backup.db")
        with pytest.raises(StorageError, match="exists already"):
            Crm.restore(tmp_path / "backup.db", tmp_path / "deals.db")
        assert crm.users.get("u1").value.name == "Ada"


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    torn = tmp_path / "torn.db"
    with Crm.open(tmp_path / "deals.db") as crm:
        crm.batch([("users.create", {"id": f"u{at}", "name": "Ada" * 50}) for at in range(500)])
        crm.backup(torn)
    torn.write_bytes(torn.read_bytes()[: torn.stat().st_size // 2])
    (tmp_path / "text.db").write_text("no database" * 100)
    for name in ("torn.db", "text.db", "nothing.db"):
        with pytest.raises(StorageError) as refused:
            Crm.restore(tmp_path / name, tmp_path / "restored.db")
        assert refused.value.code == "storage_unavailable" and name in str(refused.value)
        assert not (tmp_path / "restored.db").exists() and not list(tmp_path.glob("*.part"))


def test_a_store_without_a_file_has_no_backup(tmp_path: Path) -> None:
    for crm in (Crm.in_memory(), Crm(DictRepository())):
        with pytest.raises(UnsupportedError) as refused:
            crm.backup(tmp_path / "backup.db")
        assert refused.value.code == "unsupported_change"


def test_the_same_awaited(tmp_path: Path) -> None:
    async def run() -> None:
        async with AsyncCrm.open(tmp_path / "deals.db") as crm:
            await crm.users.create(id="u1", name="Ada")
            held = await crm.backup(tmp_path / "backup.db")
        assert held == Contents(records=1, events=1, layout=held.layout)
        assert await AsyncCrm.restore(tmp_path / "backup.db", tmp_path / "restored.db") == held

    asyncio.run(run())
