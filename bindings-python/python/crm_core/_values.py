"""Values as callers may give them, and the bases of the generated models."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from typing import Annotated, Any, Literal, TypedDict

from pydantic import BaseModel, BeforeValidator, ConfigDict

DecimalLike = Decimal | int | str
DateLike = dt.date | str
InstantLike = dt.datetime | str


class Unset(enum.Enum):
    """The type of `UNSET`."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset.UNSET
"""A field that is left out; `None` would empty it."""


class Options(TypedDict, total=False):
    """What any operation may be given beside its own fields."""

    tenant: str
    """Whose data this is."""
    now: InstantLike
    """The present as far as the operation is concerned; the clock's by default."""
    zone: str
    """The time zone in which instants become calendar dates, such as `Asia/Shanghai`; `UTC` by default."""
    actor: str | None
    """The user who acts."""
    seed: str
    """Entropy from which new ids are derived; the system's by default."""
    locale: str
    """The language of rendered texts."""
    correlation: str | None
    """An id that ties events to a request of yours."""
    quiet_until: InstantLike | None
    """For the import of history: timers that would be due at or before this instant are not set."""
    explain: Literal["none", "codes", "full"]
    """How many reasons are wanted: none, the first level (the default), or the whole tree."""
    idempotency_key: str | None
    """The same request with the same key changes nothing twice and gets the first answer."""
    expect_version: int | None
    """The version at which the record to change is expected; another one is a `ConflictError`."""


def _exact(value: Any) -> Any:
    """Refuses what is not exact."""
    if isinstance(value, float):
        text = repr(value)
        raise ValueError(f"`{text}` is a float, which is not exact: give Decimal(\"{text}\"), an int or the text \"{text}\"")
    if isinstance(value, bool):
        raise ValueError("a truth value is not a decimal: give a Decimal, an int or a text")
    return value


Exact = Annotated[Decimal, BeforeValidator(_exact)]
"""A decimal that takes Decimal, int or str, and refuses float."""


class Sent(BaseModel):
    """A model that may be sent: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", defer_build=True, populate_by_name=True, protected_namespaces=())


class Answered(BaseModel):
    """A model that only comes back: fields of a newer engine are ignored."""

    model_config = ConfigDict(extra="ignore", defer_build=True, populate_by_name=True, protected_namespaces=())
