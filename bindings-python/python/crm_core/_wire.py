"""Python values as JSON text and back."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from operator import index
from typing import Any
from uuid import UUID

from pydantic import BaseModel, TypeAdapter
from pydantic_core import from_json

from ._answer import Answer, Reason
from ._values import UNSET, Options
from .errors import from_wire

# Decimals of more digits than this stay in their short form, which the engine refuses with the remedy.
_LONGEST = 100


def dumps(value: Any) -> str:
    """A value as JSON text; decimals become strings, dates and times ISO 8601."""
    try:
        return json.dumps(value, default=_other, allow_nan=False, separators=(",", ":"))
    except ValueError:
        # Not-a-number has no JSON; as a text the engine can say where it stands and what to give instead.
        return json.dumps(_finite(value), default=_other, allow_nan=False, separators=(",", ":"))


def loads(text: str) -> Any:
    """JSON text as plain Python values."""
    return from_json(text)


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value) if not value.is_finite() or abs(value.adjusted()) > _LONGEST else format(value, "f")
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True, exclude_unset=True)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return list(value)
    try:
        return index(value)
    except TypeError:
        pass
    if hasattr(value, "__float__"):
        return float(value)
    raise TypeError(f"a value of type `{type(value).__name__}` cannot be sent: give texts, numbers, dates, lists or dictionaries")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, BaseModel):
        value = value.model_dump(by_alias=True, exclude_unset=True)
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return value


@dataclass(frozen=True, slots=True)
class Settings:
    """What a façade gives every operation unless a call says otherwise."""

    options: Options
    config: str | None = None

    def at(self, config: Any, options: Options) -> Settings:
        """The same with some of it changed."""
        text = self.config if config is UNSET else None if config is None else dumps(config)
        return replace(self, options=_checked({**self.options, **options}), config=text)


_OPTIONS = frozenset(Options.__annotations__)
_CONTEXT = ("tenant", "now", "zone", "actor", "seed", "locale", "correlation", "quiet_until")
_ENVELOPE = ("explain", "idempotency_key", "expect_version")


def _checked(options: Any) -> Options:
    for name in options:
        if name not in _OPTIONS:
            near = get_close_matches(name.lower(), _OPTIONS, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"the options are {_named(_OPTIONS)}"
            raise TypeError(f"there is no option `{name}`: {hint}")
    return options  # type: ignore[no-any-return]


def arguments(op: str, given: dict[str, Any], options: Any) -> dict[str, Any]:
    """The fields of an operation that were given, once no argument beside them is misspelt."""
    for name in options:
        if name not in _OPTIONS:
            near = get_close_matches(name.lower(), [*given, *sorted(_OPTIONS)], 1)
            fields = f"its fields are {_named(given)}; " if given else ""
            hint = f"did you mean `{near[0]}`?" if near else f"{fields}the options are {_named(_OPTIONS)}"
            raise TypeError(f"`{op}` takes no `{name}`: {hint}")
    return {name: value for name, value in given.items() if value is not UNSET}


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def request(op: str, given: Any, settings: Settings, options: Options, facts: Any = None) -> str:
    """The text of a request; the present and the seed come from this machine unless they are given."""
    merged: Any = _checked({**settings.options, **options}) if options else settings.options
    context = {name: merged[name] for name in _CONTEXT if merged.get(name) is not None}
    if "now" not in context:
        context["now"] = dt.datetime.now(dt.timezone.utc)
    if "seed" not in context:
        context["seed"] = os.urandom(16).hex()
    out: dict[str, Any] = {"op": op, "context": context}
    for name in _ENVELOPE:
        if merged.get(name) is not None:
            out[name] = merged[name]
    out["input"] = given
    if facts is not None:
        out["facts"] = facts
    text = dumps(out)
    return text if settings.config is None else f'{text[:-1]},"config":{settings.config}}}'


@lru_cache(maxsize=None)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def typed(value: Any, kind: Any) -> Any:
    """A plain value as a model; fields of a newer engine are ignored."""
    return value if kind is object else _adapter(kind).validate_python(value, extra="ignore")


def read(text: str, kind: Any) -> Answer[Any]:
    """An answer's text as a value of a type.

    Raises:
        CrmError: the answer is a refusal.
    """
    return answer(from_json(text), kind)


def answer(plain: Any, kind: Any) -> Answer[Any]:
    """A plain answer as a value of a type.

    Raises:
        CrmError: the answer is a refusal.
    """
    if not plain["ok"]:
        raise from_wire(plain["error"])
    return Answer(typed(plain["value"], kind), tuple(map(Reason.from_wire, plain.get("reasons", ()))))
