"""The conformance suite: puts a repository of yours to the promises that the engine relies upon."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ._links import AsyncSteps, Steps
from ._wire import dumps, loads
from .errors import from_wire
from .repository import AsyncRepository, Repository
from .sql import AsyncSqlRepository, SqlRepository


@dataclass(frozen=True, slots=True)
class Report:
    """What a run of the suite found."""

    ran: tuple[str, ...]
    """The checks that were run."""
    broken: tuple[tuple[str, str], ...]
    """The promises that were not kept: the check, and what was found."""


def conformance(repository: Repository | SqlRepository, *, prefix: str | None = None) -> Report:
    """Puts a repository to the promises; what its `executes` names is run, the rest must be refused.

    The records that it writes stay, in tenants whose names begin with `prefix`.

    Args:
        repository: the store.
        prefix: one that was never used in this store; a random one unless given.

    Raises:
        AssertionError: a promise is not kept, or nothing was run.
    """
    return _kept(Steps(repository).send(_request(prefix)))


async def conformance_async(
    repository: AsyncRepository | AsyncSqlRepository, *, prefix: str | None = None
) -> Report:
    """Puts a repository with awaited methods to the promises, as `conformance` does."""
    return _kept(await AsyncSteps(repository).send(_request(prefix)))


def _request(prefix: str | None) -> str:
    chosen = f"conformance-{os.urandom(8).hex()}." if prefix is None else prefix
    return dumps({"op": "store.conformance", "input": {"prefix": chosen}})


def _kept(text: str) -> Report:
    answer = loads(text)
    if not answer["ok"]:
        raise from_wire(answer["error"])
    found = answer["value"]
    report = Report(tuple(found["ran"]), tuple((each["check"], each["found"]) for each in found["broken"]))
    if not report.ran:
        raise AssertionError("no check was run")
    if report.broken:
        lines = "".join(f"\n  `{check}`: {found}" for check, found in report.broken)
        raise AssertionError(f"promises that are not kept: {len(report.broken)}{lines}")
    return report
