"""The exceptions of the engine: one class for every kind of error, all with a stable code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._catalogue import render_code
from ._generated.catalogue import CODES


class CrmError(Exception):
    """A refusal: what is wrong, where, and what to do about it."""

    kind: str = "internal"
    """The coarse class, such as `conflict`; every kind has a class of its own."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "internal_error",
        path: str = "",
        details: Mapping[str, Any] | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message, code, path)
        self.message = message
        """The message in English, without the path."""
        self.code = code
        """The stable code, such as `version_conflict`."""
        self.path = path
        """The place in the request, such as `lines[0].quantity`; empty when it is about the whole."""
        self.details: dict[str, Any] = dict(details or {})
        """The facts behind the message."""
        self.retryable = retryable
        """Whether the same request may succeed when it is tried again."""

    def __str__(self) -> str:
        return "\n  ".join([_placed(self.path, self.message), *(str(each) for each in self._listed())])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r}, {_placed(self.path, self.message)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.code, self.path, self.details, self.retryable)

    @property
    def violations(self) -> list[CrmError]:
        """Every single mistake; this error itself when it is the only one."""
        return self._listed() or [self]

    def _listed(self) -> list[CrmError]:
        """The mistakes of a request, or the findings about a configuration, that this error sums up."""
        name = _LISTS.get(self.code)
        listed = self.details.get(name) if name is not None else None
        if not isinstance(listed, list):
            return []
        return [from_wire({"kind": self.kind, **each}) for each in listed if isinstance(each, Mapping)]

    def render(self, locale: str = "en") -> str:
        """The message in a language, `en` or `zh`; several mistakes have a line each."""
        known = self.code in CODES and (bool(self.details) or "{" not in CODES[self.code][1])
        own = render_code(self.code, self.details, locale) if known else self.message
        return "\n  ".join([own, *(_placed(each.path, each.render(locale)) for each in self._listed())])

    @classmethod
    def of(cls, code: str, *, path: str = "", retryable: bool | None = None, **details: Any) -> CrmError:
        """Makes the error of a code, for repositories written in Python.

        The code decides the class: `CrmError.of("version_conflict", kind="opportunity", id="7")` is a `ConflictError`.
        """
        if code not in CODES or CODES[code][0] is None:
            raise ValueError(f"there is no error code `{code}`")
        if retryable is None:
            retryable = code in ("version_conflict", "storage_locked", "too_many_handles")
        made = CLASSES[CODES[code][0] or "internal"]
        return made(render_code(code, details, "en"), code=code, path=path, details=details, retryable=retryable)


# Where an error of a code lists what it sums up.
_LISTS = {"invalid_request": "violations", "invalid_configuration": "findings"}


def _placed(path: str, text: str) -> str:
    return f"`{path}`: {text}" if path else text


class ValidationError(CrmError):
    """The request is wrong; mend it as the message says."""

    kind = "validation"


class NotFoundError(CrmError):
    """A record that the request names does not exist."""

    kind = "not_found"


class ConflictError(CrmError):
    """Somebody else changed what the request relied on; read again and retry."""

    kind = "conflict"


class InvalidTransitionError(CrmError):
    """The record's state does not allow this move; the details say what is missing."""

    kind = "invalid_transition"


class ForbiddenError(CrmError):
    """The actor may not do this."""

    kind = "forbidden"


class LimitError(CrmError):
    """A size or count limit is passed."""

    kind = "limit"


class StorageError(CrmError):
    """The store failed; `retryable` says whether trying again can help."""

    kind = "storage"


class UnsupportedError(CrmError):
    """The store or build does not offer this."""

    kind = "unsupported"


class InternalError(CrmError):
    """A defect of the engine; please report it."""

    kind = "internal"


CLASSES: dict[str, type[CrmError]] = {
    made.kind: made
    for made in (
        ValidationError,
        NotFoundError,
        ConflictError,
        InvalidTransitionError,
        ForbiddenError,
        LimitError,
        StorageError,
        UnsupportedError,
        InternalError,
    )
}


def from_wire(error: Mapping[str, Any]) -> CrmError:
    """The exception of an error as it comes over the wire."""
    made = CLASSES.get(error.get("kind", ""), CrmError)
    return made(
        error.get("message", ""),
        code=error.get("code", "internal_error"),
        path=error.get("path", ""),
        details=error.get("details"),
        retryable=bool(error.get("retryable", False)),
    )


def to_wire(error: CrmError) -> dict[str, Any]:
    """An exception as it goes over the wire."""
    return {
        "kind": error.kind,
        "code": error.code,
        "message": error.message,
        "path": error.path,
        "details": error.details,
        "retryable": error.retryable,
    }


def _rebuild(
    made: type[CrmError], message: str, code: str, path: str, details: dict[str, Any], retryable: bool
) -> CrmError:
    return made(message, code=code, path=path, details=details, retryable=retryable)
