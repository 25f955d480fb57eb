"""The databases that tests of hosts' transactions run on."""

from __future__ import annotations

import os

import pytest


def postgres() -> str:
    """The address of a PostgreSQL server for tests, `postgres://user:password@host:port/database`."""
    url = os.environ.get("CRM_POSTGRES_URL")
    if url is None:
        if os.environ.get("CI"):
            pytest.fail("`CRM_POSTGRES_URL` is not set")
        pytest.skip("no PostgreSQL: run `cargo xtask test --only python`, or set `CRM_POSTGRES_URL`")
    return url
