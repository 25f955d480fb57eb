"""The engine in an SQLAlchemy session's transaction, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import crm_core
from crm_core import AsyncCrm, Crm, CrmError, UnsupportedError
from crm_core.sqlalchemy import AsyncSqlAlchemyRepository, SqlAlchemyRepository
from databases import postgres
from test_repository import waiting

PARTS = {"claims_are_unique", "counters_keep_limits", "numbers_have_no_gaps", "timers_fire_once"}


class Base(DeclarativeBase):
    pass


class Order(Base):
    """A table of the host's."""

    __tablename__ = "host_order"
    id: Mapped[str] = mapped_column(primary_key=True)


def address(kind: str, folder: Path, driver: str) -> str:
    return f"sqlite{driver}:///{folder / 'app.db'}" if kind == "sqlite" else postgres().replace("postgres://", f"postgresql{driver}://")


def schema() -> str:
    return f"crm_{os.urandom(6).hex()}"


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An empty database with the host's and the engine's tables."""
    if request.param == "sqlite":
        made = sa.create_engine(address("sqlite", tmp_path, ""))
    else:
        name = schema()
        url = address("postgres", tmp_path, "+psycopg")
        outer = sa.create_engine(url)
        with outer.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        made = sa.create_engine(url, connect_args={"options": f"-csearch_path={name}"})
    Base.metadata.create_all(made)
    SqlAlchemyRepository(made).create_tables()
    yield made
    made.dispose()
    if request.param == "postgres":
        with outer.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
        outer.dispose()


def counts(engine: sa.Engine) -> tuple[int, int]:
    with engine.connect() as connection:
        row = connection.execute(sa.text("SELECT (SELECT count(*) FROM host_order), (SELECT count(*) FROM crm_record)")).one()
    return (row[0], row[1])


def test_transactions_of_its_own_keep_every_promise(engine: sa.Engine) -> None:
    report = crm_core.conformance(SqlAlchemyRepository(engine))
    assert PARTS | {"bodies_keep_their_text"} <= set(report.ran)


def test_tables_are_made_once(engine: sa.Engine) -> None:
    SqlAlchemyRepository(engine).create_tables()
    with Session(engine) as session, session.begin():
        SqlAlchemyRepository(session).create_tables()


def test_a_host_row_and_an_operation_stay_or_go_together(engine: sa.Engine) -> None:
    with pytest.raises(ZeroDivisionError), Session(engine) as session, session.begin():
        session.add(Order(id="7"))
        crm = Crm(SqlAlchemyRepository(session), actor="u1")
        crm.accounts.create(id="a1", name="Steel")
        session.flush()
        assert crm.accounts.get("a1").value.name == "Steel"
        1 / 0  # noqa: B018
    assert counts(engine) == (0, 0)
    with Session(engine) as session, session.begin():
        session.add(Order(id="7"))
        Crm(SqlAlchemyRepository(session), actor="u1").accounts.create(id="a1", name="Steel")
    assert counts(engine) == (1, 1)


def test_an_operation_before_any_host_row_goes_with_the_rollback(engine: sa.Engine) -> None:
    with Session(engine) as session:
        session.begin()
        Crm(SqlAlchemyRepository(session)).accounts.create(id="a1", name="Steel")
        session.rollback()
    assert counts(engine) == (0, 0)


def test_a_swallowed_refusal_leaves_nothing_half_done(engine: sa.Engine) -> None:
    with Session(engine) as session, session.begin():
        session.add(Order(id="7"))
        crm = Crm(SqlAlchemyRepository(session), actor="u1")
        crm.accounts.create(id="a1", name="Steel")
        with pytest.raises(CrmError) as refused:
            crm.batch([("accounts.create", {"id": "a2", "name": "Iron"}), ("accounts.create", {"id": "a1", "name": "Two"})])
        assert refused.value.code == "record_exists"
        session.add(Order(id="8"))
    assert counts(engine) == (2, 1)


def test_a_connection_serves_as_well(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(Order).values(id="7"))
        Crm(SqlAlchemyRepository(connection)).accounts.create(id="a1", name="Steel")
    assert counts(engine) == (1, 1)


def test_without_a_transaction_it_is_refused(engine: sa.Engine) -> None:
    with Session(engine) as session:
        with pytest.raises(UnsupportedError) as refused:
            Crm(SqlAlchemyRepository(session)).accounts.create(id="a1", name="Steel")
        assert refused.value.code == "outside_transaction"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SELECT 1")
        crm = Crm(SqlAlchemyRepository(connection))
        if engine.dialect.name == "postgresql":
            with pytest.raises(UnsupportedError):
                crm.accounts.create(id="a1", name="Steel")
    assert counts(engine) == (0, 0)


def test_a_key_is_repeated_across_transactions(engine: sa.Engine) -> None:
    ids = []
    for _ in range(2):
        with Session(engine) as session, session.begin():
            crm = Crm(SqlAlchemyRepository(session), actor="u1")
            ids.append(crm.accounts.create(name="Steel", idempotency_key="k1").value.id)
    assert ids[0] == ids[1] and counts(engine) == (0, 1)


@asynccontextmanager
async def session_of(kind: str, folder: Path) -> AsyncIterator[tuple[AsyncSession, AsyncSession]]:
    """Two sessions in an empty database."""
    name, options = schema(), {}
    url = address(kind, folder, "+aiosqlite" if kind == "sqlite" else "+asyncpg")
    if kind == "postgres":
        outer = create_async_engine(url)
        async with outer.begin() as connection:
            await connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        await outer.dispose()
        options = {"connect_args": {"server_settings": {"search_path": name}}}
    engine = create_async_engine(url, **options)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await AsyncSqlAlchemyRepository(connection).create_tables()
    async with AsyncSession(engine) as one, AsyncSession(engine) as two:
        yield one, two
    async with engine.begin() as connection:
        if kind == "postgres":
            await connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
    await engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_async_sessions(kind: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with session_of(kind, tmp_path) as (session, other):
            crm = AsyncCrm(AsyncSqlAlchemyRepository(session), actor="u1")
            with pytest.raises(UnsupportedError):
                await crm.accounts.create(id="a0", name="Steel")
            with pytest.raises(ZeroDivisionError):
                async with session.begin():
                    session.add(Order(id="7"))
                    await crm.accounts.create(id="a1", name="Steel")
                    1 / 0  # noqa: B018
            async with session.begin():
                session.add(Order(id="8"))
                await crm.accounts.create(id="a2", name="Steel")
                with pytest.raises(CrmError, match="exists already"):
                    await crm.accounts.create(id="a2", name="Two")
            async with other.begin():
                orders = (await other.execute(sa.text("SELECT id FROM host_order"))).scalars().all()
                records = (await other.execute(sa.text("SELECT id FROM crm_record"))).scalars().all()
            assert (orders, records) == (["8"], ["a2"])
            with pytest.raises(UnsupportedError):
                AsyncSqlAlchemyRepository(session.bind.connect())  # type: ignore[union-attr]
            report = await crm_core.conformance_async(AsyncSqlAlchemyRepository(session.bind))  # type: ignore[arg-type]
            assert PARTS <= set(report.ran)

    asyncio.run(work())


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_task_cancelled_in_the_middle_leaves_the_session_usable(kind: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with session_of(kind, tmp_path) as (session, other):
            crm = AsyncCrm(AsyncSqlAlchemyRepository(session), actor="u1")

            async def create() -> None:
                async with session.begin():
                    session.add(Order(id="7"))
                    await crm.accounts.create(id="a1", name="Steel")

            async with other.begin():
                # It holds the name, so the operation waits for it in the database.
                await AsyncCrm(AsyncSqlAlchemyRepository(other)).accounts.create(id="a1", name="Iron")
                task = asyncio.create_task(create())
                while waiting() == 0 and not task.done():
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.2)
                assert not task.done()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asyncio.wait_for(task, 20)
                assert waiting() == 0
                await other.rollback()
            async with session.begin():
                session.add(Order(id="8"))
                await crm.accounts.create(id="a2", name="Steel")
            async with session.begin():
                orders = (await session.execute(sa.text("SELECT id FROM host_order"))).scalars().all()
                records = (await session.execute(sa.text("SELECT id FROM crm_record"))).scalars().all()
            assert (orders, records) == (["8"], ["a2"])

    asyncio.run(work())
    assert waiting() == 0
