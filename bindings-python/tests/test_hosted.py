"""Accounts and users in tables of the host's own, through every Python store; and the views for plain SQL."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

import crm_core
from crm_core import AsyncCrm, ConflictError, Crm, CrmError, NotFoundError
from crm_core.sql import Ran, Statement, Tables, views
from crm_core.sqlalchemy import AsyncSqlAlchemyRepository, SqlAlchemyRepository
from crm_core.stores.sqlite3 import SqliteRepository
from databases import postgres

TABLES: Tables = {
    "account": {
        "table": "customers",
        "id": {"column": "id", "type": "int8"},
        "version": "lock_version",
        "writable": True,
        "fields": {"name": "company_name", "owner": {"column": "rep_id", "type": "int8"}, "industry": "industry"},
    },
    "user": {"table": "staff", "id": {"column": "id", "type": "int8"}, "fields": {"name": "full_name"}},
}
MADE = (
    "CREATE TABLE customers(id bigint PRIMARY KEY, company_name text NOT NULL, rep_id bigint, industry text, "
    "lock_version int NOT NULL DEFAULT 0)",
    "CREATE TABLE staff(id bigint PRIMARY KEY, full_name text NOT NULL)",
    "INSERT INTO staff SELECT i, 'Rep ' || i FROM (WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT i FROM n) AS r",
)
MANY = (
    "INSERT INTO customers(id, company_name, rep_id) SELECT i, 'Customer ' || (50001 - i), 1 + i - 40 * (i / 40) "
    "FROM (WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT i FROM n) AS r"
)


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A database with 50,000 customers of the host's, and the engine's tables."""
    if request.param == "sqlite":
        made = sa.create_engine(f"sqlite:///{tmp_path / 'app.db'}")
    else:
        name = f"crm_{os.urandom(6).hex()}"
        url = postgres().replace("postgres://", "postgresql+psycopg://")
        outer = sa.create_engine(url)
        with outer.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        made = sa.create_engine(url, connect_args={"options": f"-csearch_path={name}"})
    with made.begin() as connection:
        for text in (*MADE, MANY):
            connection.exec_driver_sql(text)
    SqlAlchemyRepository(made, tables=TABLES).create_tables()
    yield made
    made.dispose()
    if request.param == "postgres":
        with outer.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
        outer.dispose()


def one(engine: sa.Engine, text: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(sa.text(text)).scalar_one()


def test_fifty_thousand_customers_serve_without_a_copy(engine: sa.Engine) -> None:
    with Session(engine) as session, session.begin():
        crm = Crm(SqlAlchemyRepository(session, tables=TABLES), actor="17")
        deal = crm.opportunities.create(name="Beams", account="4711", owner="17", amount="100", currency="EUR").value
        crm.opportunities.create(name="Rails", account="4712", owner="18")
        crm.opportunities.advance(deal.id, to="qualification")
        assert [each.name for each in crm.opportunities.find(owner="17").value.items] == ["Beams"]
        assert crm.accounts.get("4711").value.name == "Customer 45290"
        page = crm.accounts.find(limit=3).value
        assert [each.name for each in page.items] == ["Customer 1", "Customer 10", "Customer 100"]
        second = crm.accounts.find(limit=1, cursor=page.cursor).value
        assert second.items[0].name == "Customer 1000"
        mine = crm.accounts.find(owner="17", limit=1000, where={"field": "name", "op": "ends_with", "value": "00"}, order={"field": "name"})
        wanted = sorted(f"Customer {50001 - i}" for i in range(1, 50001) if 1 + i % 40 == 17 and str(50001 - i).endswith("00"))
        assert [each.name for each in mine.value.items] == wanted
        with pytest.raises(NotFoundError):
            crm.opportunities.create(name="Nobody's", account="50001")
    kinds = "SELECT count(*) FROM crm_record WHERE kind IN ('account', 'user')"
    assert (one(engine, kinds), one(engine, "SELECT count(*) FROM crm_record")) == (0, 2)


def test_a_host_row_and_an_operation_stay_or_go_together(engine: sa.Engine) -> None:
    both = "SELECT (SELECT count(*) FROM customers WHERE id > 50000) * 10 + (SELECT count(*) FROM crm_record)"
    for kept, wanted in ((False, 0), (True, 11)):
        with Session(engine) as session:
            session.begin()
            session.execute(sa.text("INSERT INTO customers(id, company_name) VALUES (60000, 'New')"))
            crm = Crm(SqlAlchemyRepository(session, tables=TABLES), actor="u1")
            crm.opportunities.create(name="First", account="60000")
            assert crm.accounts.update("60000", owner="17").value.version == 1
            (session.commit if kept else session.rollback)()
        assert one(engine, both) == wanted
    assert one(engine, "SELECT rep_id FROM customers WHERE id = 60000 AND lock_version = 1") == 17


class Meanwhile(SqlAlchemyRepository):
    """Somebody else is quicker than the commit."""

    text = ""

    def execute(self, statements: Sequence[Statement], write: bool) -> Sequence[Ran]:
        if write and self.text:
            with self.bind.begin() as connection:
                connection.exec_driver_sql(self.text)
            self.text = ""
        return super().execute(statements, write)


def test_a_customer_that_goes_between_decision_and_commit_is_refused(engine: sa.Engine) -> None:
    store = Meanwhile(engine, tables=TABLES)
    crm = Crm(store, actor="u1")
    store.text = "DELETE FROM customers WHERE id = 4711"
    with pytest.raises(NotFoundError) as refused:
        crm.opportunities.create(name="Beams", account="4711")
    assert refused.value.path == "account"
    # A row that changed is read again, and decided from anew.
    store.text = "UPDATE customers SET lock_version = 7 WHERE id = 4712"
    crm.opportunities.create(name="Rails", account="4712")
    assert store.text == ""
    # Within the host's transaction nothing is tried again.
    store.in_transaction = True
    store.text = "DELETE FROM staff WHERE id = 18"
    with pytest.raises(ConflictError) as conflict:
        crm.opportunities.create(name="Rails", account="4713", owner="18")
    assert (conflict.value.code, conflict.value.details["kind"]) == ("version_conflict", "user")
    assert one(engine, "SELECT count(*) FROM crm_record") == 1


def test_what_cannot_be_written_is_refused(engine: sa.Engine) -> None:
    with Session(engine) as session, session.begin():
        crm = Crm(SqlAlchemyRepository(session, tables=TABLES), actor="u1")
        for work, code in (
            (lambda: crm.users.create(id="41", name="Eve"), "kind_read_only"),
            (lambda: crm.accounts.create(id="60000", name="Tin", website="tin.example"), "field_not_mapped"),
            (lambda: crm.accounts.create(name="Tin"), "id_not_possible"),
            (lambda: crm.accounts.create(id="1", name="Tin"), "record_exists"),
            (lambda: crm.accounts.update("1", name="Tin", expect_version=5), "version_ahead"),
        ):
            with pytest.raises(CrmError) as refused:
                work()
            assert refused.value.code == code
        crm.accounts.create(id="60000", name="Tin", owner="17")
        session.execute(sa.text("UPDATE customers SET company_name = '' WHERE id = 2"))
        with pytest.raises(CrmError) as broken:
            crm.accounts.get("2")
        assert broken.value.details["table"] == "customers" and broken.value.details["column"] == "company_name"
    assert one(engine, "SELECT count(*) FROM crm_event") == 1


def test_a_wrong_mapping_is_refused_at_once(engine: sa.Engine) -> None:
    wrong: Any = {"acount": TABLES["account"], "user": {"table": "staff", "id": "id", "fields": {"nmae": "full_name"}}}
    with pytest.raises(CrmError) as refused:
        SqlAlchemyRepository(engine, tables=wrong)
    paths = [each.path for each in refused.value.violations]
    assert paths == ["store.tables.acount", "store.tables.user.fields.nmae", "store.tables.user.fields.name"]
    for table, column, named in (("customer", "name", "customer"), ("customers", "nome", "nome")):
        missing: Tables = {"account": {"table": table, "id": "id", "fields": {"name": column}}}
        with pytest.raises(sa.exc.DBAPIError, match=named):
            SqlAlchemyRepository(engine, tables=missing).create_tables()


def test_what_is_not_mapped_keeps_every_promise(engine: sa.Engine) -> None:
    assert len(crm_core.conformance(SqlAlchemyRepository(engine, tables=TABLES)).ran) >= 15


def test_views_answer_what_a_dashboard_asks(engine: sa.Engine) -> None:
    repository = SqlAlchemyRepository(engine)
    crm = Crm(repository, actor="u1")
    crm.users.create(id="u1", name="Ada")
    for id, amount, close in (("d1", "0.1", "2026-01-05"), ("d2", "0.2", "2026-01-20"), ("d3", "7", "2025-12-31")):
        crm.opportunities.create(id=id, name=id, owner="u1", amount=amount, currency="EUR", effective_at="2025-12-01T00:00:00Z")
        crm.opportunities.win(id, effective_at=f"{close}T00:00:00Z")
    assert {"crm_accounts", "crm_opportunities", "crm_users"} <= set(repository.create_views())
    assert repository.create_views() == []
    month = "substr(CAST(o.closed_on AS text), 1, 7)"
    asked = (
        f"SELECT u.name, {month}, count(*), sum(o.amount) FROM crm_opportunities o JOIN crm_users u ON u.tenant = o.tenant "
        f"AND u.id = o.owner WHERE o.status = 'won' GROUP BY u.name, {month} ORDER BY 2"
    )
    with engine.connect() as connection:
        rows = [(name, at, count, float(total)) for name, at, count, total in connection.execute(sa.text(asked))]
    assert rows == [("Ada", "2025-12", 1, 7.0), ("Ada", "2026-01", 2, pytest.approx(0.3))]
    config = crm.call("config.get").value["config"] | {"custom_fields": [{"kind": "account", "id": "tier", "type": "text"}]}
    assert repository.create_views(config) == ["crm_accounts"]
    assert one(engine, "SELECT count(custom_tier) FROM crm_accounts") == 0
    # A kind in a table of the host's has that table, and no view.
    assert "crm_accounts" not in SqlAlchemyRepository(engine, tables=TABLES).create_views()
    assert repository.views(config) == views(repository.dialect, config) != repository.views()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_async_sessions(kind: str, tmp_path: Path) -> None:
    async def work() -> None:
        name, options = f"crm_{os.urandom(6).hex()}", {}
        url = f"sqlite+aiosqlite:///{tmp_path / 'app.db'}"
        if kind == "postgres":
            url = postgres().replace("postgres://", "postgresql+asyncpg://")
            outer = create_async_engine(url)
            async with outer.begin() as connection:
                await connection.exec_driver_sql(f"CREATE SCHEMA {name}")
            options = {"connect_args": {"server_settings": {"search_path": name}}}
        engine = create_async_engine(url, **options)
        async with engine.begin() as connection:
            for text in MADE:
                await connection.exec_driver_sql(text)
            await AsyncSqlAlchemyRepository(connection, tables=TABLES).create_tables()
        async with AsyncSession(engine) as session, session.begin():
            crm = AsyncCrm(AsyncSqlAlchemyRepository(session, tables=TABLES), actor="17")
            await crm.accounts.create(id="4711", name="Steel", owner="17")
            await crm.opportunities.create(name="Beams", account="4711", owner="17")
            assert (await crm.accounts.update("4711", industry="Metal")).value.version == 2
            found = (await crm.accounts.find(where={"field": "owner", "op": "equal", "value": "17"})).value.items
            assert [(each.id, each.industry) for each in found] == [("4711", "Metal")]
        async with engine.begin() as connection:
            assert (await AsyncSqlAlchemyRepository(connection).create_views())[0] == "crm_accounts"
            kinds = (await connection.execute(sa.text("SELECT DISTINCT kind FROM crm_record"))).scalars().all()
            assert kinds == ["opportunity"]
            if kind == "postgres":
                await connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
        await engine.dispose()
        if kind == "postgres":
            await outer.dispose()

    asyncio.run(work())


def test_the_standard_librarys_sqlite(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "app.db")
    for text in MADE:
        db.execute(text)
    db.commit()
    db.execute("BEGIN")
    store = SqliteRepository(db, tables=TABLES)
    store.create_tables()
    crm = Crm(store, actor="17")
    crm.accounts.create(id="4711", name="Steel", owner="17")
    crm.opportunities.create(name="Beams", account="4711", owner="17")
    db.commit()
    assert db.execute("SELECT company_name, rep_id, lock_version FROM customers").fetchall() == [("Steel", 17, 1)]
    assert db.execute("SELECT kind FROM crm_record").fetchall() == [("opportunity",)]
    missing: Tables = {"account": {"table": "customers", "id": "id", "fields": {"name": "nome"}}}
    db.execute("BEGIN")
    with pytest.raises(sqlite3.OperationalError, match=r"no such column: customers\.nome"):
        SqliteRepository(db, tables=missing).create_tables()


SCRIPT = textwrap.dedent("""
    import json, sys
    import django
    from django.conf import settings

    settings.configure(DATABASES={"default": json.loads(sys.argv[1])}, USE_TZ=True, TIME_ZONE="Asia/Tokyo", DEFAULT_AUTO_FIELD="django.db.models.BigAutoField")
    django.setup()

    from django.db import connection, models, transaction

    from crm_core import Crm
    from crm_core.django import DjangoRepository

    class Staff(models.Model):
        full_name = models.CharField(max_length=80)
        class Meta:
            app_label = "host"

    class Customer(models.Model):
        company_name = models.CharField(max_length=80)
        rep = models.ForeignKey(Staff, null=True, on_delete=models.SET_NULL)
        revenue = models.DecimalField(max_digits=12, decimal_places=2, null=True)
        currency = models.CharField(max_length=3, null=True)
        lock_version = models.IntegerField(default=0)
        added = models.DateTimeField(null=True)
        changed = models.DateTimeField(null=True)
        class Meta:
            app_label = "host"

    with connection.schema_editor() as editor:
        editor.create_model(Staff)
        editor.create_model(Customer)

    tables = {
        "account": {
            "table": Customer._meta.db_table, "id": {"column": "id", "type": "int8"}, "version": "lock_version", "writable": True,
            "fields": {
                "name": "company_name", "owner": {"column": "rep_id", "type": "int8"}, "created_at": "added", "updated_at": "changed",
                "annual_revenue.amount": "revenue", "annual_revenue.currency": "currency",
            },
        },
        "user": {"table": Staff._meta.db_table, "id": {"column": "id", "type": "int8"}, "fields": {"name": "full_name"}},
    }
    crm = Crm(DjangoRepository(tables=tables), actor="u1")
    with transaction.atomic():
        DjangoRepository(tables=tables).create_tables()
        ada = Staff.objects.create(full_name="Ada")
        steel = Customer.objects.create(company_name="Steel 100%", rep=ada, revenue="12.50", currency="EUR", lock_version=3)
        account = crm.accounts.get(str(steel.pk)).value
        assert (account.name, account.owner, account.version) == ("Steel 100%", str(ada.pk), 3), account
        assert str(account.annual_revenue.amount) in ("12.50", "12.5"), account
        deal = crm.opportunities.create(name="Beams", account=account.id, owner=account.owner).value
        crm.opportunities.advance(deal.id, to="qualification")
        crm.accounts.update(account.id, name="Steel Ltd")
        made = crm.accounts.create(id="77", name="Tin", effective_at="2026-01-31T09:00:00.5Z").value
    steel.refresh_from_db()
    assert (steel.company_name, steel.lock_version) == ("Steel Ltd", 4), steel
    tin = Customer.objects.get(pk=77)
    assert tin.added.isoformat() == "2026-01-31T09:00:00.500000+00:00", tin.added
    with transaction.atomic():
        assert crm.accounts.get("77").value == made
        assert [each.name for each in crm.accounts.find(order={"field": "created_at", "descending": True}).value.items] == ["Tin", "Steel Ltd"]
        assert "crm_opportunities" in DjangoRepository(tables=tables).create_views()
        with connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT kind FROM crm_record")
            assert cursor.fetchall() == [("opportunity",)]
            cursor.execute("SELECT owner, stage FROM crm_opportunities")
            print(*cursor.fetchall()[0])
""")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_django_models(kind: str, tmp_path: Path) -> None:
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "app.db")}
    if kind == "postgres":
        import psycopg

        name = f"crm_{os.urandom(6).hex()}"
        with psycopg.connect(postgres(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        url = urlsplit(postgres())
        database = {"ENGINE": "django.db.backends.postgresql", "NAME": name, "HOST": str(url.hostname), "PORT": str(url.port)}
        database |= {"USER": str(url.username), "PASSWORD": str(url.password)}
    ran = subprocess.run([sys.executable, "-c", SCRIPT, json.dumps(database)], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "1 qualification\n"


@pytest.mark.parametrize(("column", "stored", "others"), [("text COLLATE NOCASE", "t1", ["T1"]), ("int", 1, ["01", "1.0"])])
def test_a_tenant_is_told_from_another_letter_by_letter(column: str, stored: object, others: list[str]) -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute(f"CREATE TABLE c(id text PRIMARY KEY, name text, tenant {column}, v int DEFAULT 1)")
    db.execute("INSERT INTO c VALUES ('a', 'Acme', ?, 1)", [stored])
    mapped: Tables = {
        "account": {"table": "c", "id": "id", "tenant": "tenant", "version": "v", "writable": True, "fields": {"name": "name"}}
    }
    store = SqliteRepository(db, tables=mapped)
    db.execute("BEGIN")
    store.create_tables()
    crm = Crm(store, actor="u1")
    assert crm.at(tenant=str(stored)).accounts.get("a").value.name == "Acme"
    for other in others:
        with pytest.raises(NotFoundError):
            crm.at(tenant=other).accounts.update("a", name="stolen")
        assert crm.at(tenant=other).accounts.find().value.items == []
