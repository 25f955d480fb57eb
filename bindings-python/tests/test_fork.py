"""Processes that were forked: an open file is refused there, with the remedy, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

START = "import os, sys\nfrom crm_core import Crm, StorageError\nfile = sys.argv[1]\n"


def run(program: str, file: Path) -> list[str]:
    command = [sys.executable, "-c", START + program, str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_an_inherited_engine_is_refused_with_the_remedy(tmp_path: Path) -> None:
    said = run(
        """
crm = Crm.open(file)
crm.users.create(id="u1", name="Ada")
child = os.fork()
if child == 0:
    for use in (lambda: crm.users.find(), lambda: crm.users.create(name="Eve"), lambda: crm.backup(file + ".copy"), lambda: Crm.open(file)):
        try:
            use()
        except StorageError as error:
            print(error.code, error, flush=True)
    crm.close()  # leaves the parent's connections alone
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
crm.users.create(id="u2", name="Bo")
print(len(crm.users.find().value.items))
""",
        tmp_path / "deals.db",
    )
    assert len(said) == 5 and said[4] == "2"
    assert all("storage_unavailable" in line and "close it before forking" in line for line in said[:4])


def test_what_was_closed_before_the_fork_is_opened_after_it(tmp_path: Path) -> None:
    said = run(
        """
with Crm.open(file) as crm:
    crm.users.create(id="u0", name="Ada")
children = []
for at in range(1, 4):
    child = os.fork()
    if child == 0:
        with Crm.open(file) as own:
            for n in range(20):
                own.users.create(id=f"u{at}-{n}", name="Ada")
        os._exit(0)
    children.append(child)
with Crm.open(file) as crm:
    for n in range(20):
        crm.users.create(id=f"u0-{n}", name="Ada")
for child in children:
    assert os.waitpid(child, 0)[1] == 0
with Crm.open(file) as crm:
    print(len(crm.users.find(limit=1000).value.items))
""",
        tmp_path / "deals.db",
    )
    assert said == ["81"]


def test_another_file_is_opened_beside_an_inherited_one(tmp_path: Path) -> None:
    said = run(
        """
crm = Crm.open(file)
child = os.fork()
if child == 0:
    with Crm.open(file + ".own") as own:
        print(own.users.create(name="Ada").value.version, flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
""",
        tmp_path / "deals.db",
    )
    assert said == ["1"]
