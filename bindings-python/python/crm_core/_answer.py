"""What an operation gives back: its value and the reasons for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ._catalogue import render_code
from .errors import CrmError, from_wire

T = TypeVar("T", covariant=True)


@dataclass(frozen=True, slots=True)
class Reason:
    """One step of an explanation: a stable code, its parameters, and the reasons beneath it."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    children: tuple[Reason, ...] = ()

    @classmethod
    def from_wire(cls, reason: Mapping[str, Any]) -> Reason:
        """Reads a reason as it comes over the wire."""
        return cls(reason["code"], reason.get("params", {}), tuple(map(cls.from_wire, reason.get("children", ()))))

    def render(self, locale: str = "en") -> str:
        """The sentence in a language: `en` or `zh`."""
        return render_code(self.code, self.params, locale)

    def __str__(self) -> str:
        return self.render()


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """The value of an operation, and why it is what it is."""

    value: T
    reasons: tuple[Reason, ...] = ()

    def explain(self, locale: str = "en") -> str:
        """The reasons as lines of text, those beneath a reason further in."""
        return "\n".join(_lines(self.reasons, locale, 0))


def render(what: Reason | CrmError | Mapping[str, Any], locale: str = "en") -> str:
    """A reason or an error as a sentence in English (`en`) or Chinese (`zh`); several mistakes have a line each."""
    if isinstance(what, (Reason, CrmError)):
        return what.render(locale)
    if "details" in what:
        return from_wire(what).render(locale)
    return render_code(str(what.get("code")), what.get("params") or what.get("details") or {}, locale)


def _lines(reasons: Iterable[Reason], locale: str, depth: int) -> Iterable[str]:
    for reason in reasons:
        yield "  " * depth + reason.render(locale)
        yield from _lines(reason.children, locale, depth + 1)
