"""The engine in Django's transaction, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from databases import postgres

SCRIPT = textwrap.dedent("""
    import json, sys
    import django
    from django.conf import settings

    settings.configure(DATABASES={"default": json.loads(sys.argv[1])}, USE_TZ=True)
    django.setup()

    from django.db import connection, models, transaction

    import crm_core
    from crm_core import Crm, CrmError, UnsupportedError
    from crm_core.django import DjangoRepository

    class Order(models.Model):
        class Meta:
            app_label = "host"

    with connection.schema_editor() as editor:
        editor.create_model(Order)
    with transaction.atomic():
        DjangoRepository().create_tables()
        DjangoRepository().create_tables()

    crm = Crm(DjangoRepository(), actor="u1")

    def counts():
        with connection.cursor() as cursor:
            cursor.execute("SELECT (SELECT count(*) FROM host_order), (SELECT count(*) FROM crm_record)")
            return tuple(cursor.fetchone())

    try:
        crm.accounts.create(id="a1", name="Steel")
    except UnsupportedError as refused:
        assert refused.code == "outside_transaction", refused
    else:
        raise AssertionError("outside of a transaction it is refused")

    try:
        with transaction.atomic():
            Order.objects.create()
            crm.accounts.create(id="a1", name="Steel 100%")
            assert counts() == (1, 1)
            1 / 0
    except ZeroDivisionError:
        pass
    assert counts() == (0, 0), counts()

    with transaction.atomic():
        Order.objects.create()
        crm.accounts.create(id="a1", name="Steel 100%")
        try:
            crm.batch([("accounts.create", {"id": "a2", "name": "Iron"}), ("accounts.create", {"id": "a1", "name": "Two"})])
        except CrmError as refused:
            assert refused.code == "record_exists", refused
        assert crm.accounts.get("a1").value.name == "Steel 100%"
        Order.objects.create()
    assert counts() == (2, 1), counts()

    class Own(DjangoRepository):
        '''Each need in a transaction of its own: events are seen when their transaction is over.'''
        def execute(self, statements, write):
            with transaction.atomic():
                return super().execute(statements, write)

    report = crm_core.conformance(Own())
    assert len(report.ran) >= 15, report
    print("kept", len(report.ran))
""")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_an_operation_takes_part_in_atomic(kind: str, tmp_path: Path) -> None:
    if kind == "sqlite":
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "app.db")}
    else:
        import psycopg

        name = f"crm_{os.urandom(6).hex()}"
        with psycopg.connect(postgres(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        url = urlsplit(postgres())
        database = {"ENGINE": "django.db.backends.postgresql", "NAME": name, "HOST": url.hostname, "PORT": str(url.port)}
        database |= {"USER": url.username, "PASSWORD": url.password}
    import json

    # Django has one configuration a process.
    ran = subprocess.run([sys.executable, "-c", SCRIPT, json.dumps(database)], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("kept ")
