"""The awaited façade: stores of ours in threads, stores of one's own awaited, cancellation, too many at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import crm_core
from crm_core import Answer, AsyncCrm, AsyncRepository, NotFoundError, models
from stores import AsyncDictRepository
from test_repository import waiting


def test_the_same_operations() -> None:
    async def run() -> None:
        async with AsyncCrm.in_memory(actor="u1") as crm:
            deal = (await crm.opportunities.create(name="Deal", amount="10.00", currency="USD")).value
            assert isinstance(deal, models.Opportunity)
            moved = await crm.opportunities.advance(deal.id, to="proposal", explain="full")
            assert moved.value.stage == "proposal" and moved.reasons
            assert (await crm.quotes.price(currency="USD", lines=[{"quantity": 1, "unit_price": 2}])).value.total == 2
            assert (await crm.call("opportunities.get", {"id": deal.id})).value["stage"] == "proposal"
            assert (await crm.at(tenant="other").opportunities.find()).value.items == []
            with pytest.raises(NotFoundError):
                await crm.opportunities.get("nothing")
            answers = await crm.batch([("users.create", {"id": "u1", "name": "Ada"}), ("users.get", {"id": "u1"})])
            assert answers[1].value.name == "Ada"
            mixed = await crm.batch([("users.get", {"id": "nobody"}), ("users.get", {"id": "u1"})], atomic=False)
            assert isinstance(mixed[0], NotFoundError) and isinstance(mixed[1], Answer)

    asyncio.run(run())


def test_a_file(tmp_path: Path) -> None:
    async def run() -> None:
        async with AsyncCrm.open(tmp_path / "deals.db", durability="process") as crm:
            made = await asyncio.gather(*(crm.users.create(id=f"u{at}", name="Ada") for at in range(50)))
            assert len({each.value.id for each in made}) == 50
            assert len((await crm.users.find()).value.items) == 50
            crm.export_snapshot(tmp_path / "copy.db")
        assert (tmp_path / "copy.db").exists()

    asyncio.run(run())


def test_many_at_once_over_a_store_of_ones_own() -> None:
    async def run() -> None:
        store = AsyncDictRepository(pause=0.002)
        assert isinstance(store, AsyncRepository)
        crm = AsyncCrm(store)
        await crm.users.create(id="u1", name="Ada")
        # More than may run at once: those beyond wait for their turn.
        answers = await asyncio.gather(*(crm.users.get("u1") for _ in range(1500)))
        assert all(each.value.name == "Ada" for each in answers)

    asyncio.run(run())
    assert waiting() == 0


def test_writers_who_meet_are_decided_anew() -> None:
    async def run() -> None:
        crm = AsyncCrm(AsyncDictRepository(pause=0.001))
        await crm.users.create(id="u1", name="Ada")
        done = await asyncio.gather(
            *(crm.users.update("u1", team=f"T{at}") for at in range(3)), return_exceptions=True
        )
        kept = [each for each in done if isinstance(each, Answer)]
        assert len(kept) == 3 and (await crm.users.get("u1")).value.version == 4

    asyncio.run(run())


@pytest.mark.parametrize("slow", ["get", "commit"])
def test_a_cancelled_task_aborts_its_operation(slow: str) -> None:
    async def run() -> None:
        store = AsyncDictRepository()
        crm = AsyncCrm(store)
        reached = asyncio.Event()

        async def never(*_: object) -> None:
            reached.set()
            await asyncio.sleep(3600)

        setattr(store, slow, never)
        task = asyncio.create_task(crm.users.create(id="u1", name="Ada"))
        await asyncio.wait_for(reached.wait(), 5)
        assert waiting() == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert waiting() == 0 and store.inner.records == {}

    asyncio.run(run())


def test_a_cancelled_task_over_a_file_ends_whole_or_not_at_all(tmp_path: Path) -> None:
    async def run() -> None:
        async with AsyncCrm.open(tmp_path / "deals.db", durability="process") as crm:
            for attempt in range(20):
                steps = [("users.create", {"id": f"u{attempt}-{at}", "name": "Ada"}) for at in range(100)]
                task = asyncio.create_task(crm.batch(steps))
                await asyncio.sleep(0.0005 * attempt)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            # A thread that was under way when its task was cancelled ends before the store is closed.
            await crm.users.create(id="last", name="Eve")
            found, cursor = 0, None
            while True:
                page = (await crm.users.find(limit=1000, **({} if cursor is None else {"cursor": cursor}))).value
                found, cursor = found + len(page.items), page.cursor
                if cursor is None:
                    break
            assert found % 100 == 1

    asyncio.run(run())


def test_cancelled_tasks_do_not_fill_the_table() -> None:
    async def run() -> None:
        store = AsyncDictRepository(pause=3600)
        crm = AsyncCrm(store)
        for _ in range(3):
            tasks = [asyncio.create_task(crm.users.create(name="Ada")) for _ in range(600)]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(each, asyncio.CancelledError) for each in ended) and waiting() == 0
        assert store.inner.records == {}

    asyncio.run(run())


def test_a_timeout_leaves_nothing_behind() -> None:
    async def run() -> None:
        crm = AsyncCrm(AsyncDictRepository(pause=3600))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await crm.users.get("u1")
        assert waiting() == 0

    asyncio.run(run())


def test_its_own_exceptions_go_through() -> None:
    class Broken(AsyncDictRepository):
        async def find(self, query: object) -> list[object]:  # type: ignore[override]
            raise ConnectionResetError("the line is dead")

    async def run() -> None:
        with pytest.raises(ConnectionResetError):
            await AsyncCrm(Broken()).users.find()

    asyncio.run(run())
    assert waiting() == 0


def test_other_tasks_go_on_meanwhile() -> None:
    async def run() -> int:
        crm = AsyncCrm.in_memory()
        steps = [("users.create", {"id": f"u{at}", "name": "Ada"}) for at in range(3000)]
        task = asyncio.create_task(crm.batch(steps))
        ticks = 0
        while not task.done():
            await asyncio.sleep(0)
            ticks += 1
        assert len(await task) == 3000
        return ticks

    assert asyncio.run(run()) > 3


def test_a_closed_engine_says_so() -> None:
    async def run() -> None:
        async with AsyncCrm(AsyncDictRepository()) as crm:
            await crm.users.create(name="Ada")
        with pytest.raises(crm_core.ValidationError):
            await crm.users.find()

    asyncio.run(run())
