"""What the areas call: something that runs an operation."""

from __future__ import annotations

from typing import Any, TypeVar

from . import _crm
from ._answer import Answer
from ._values import Options
from ._wire import Settings, arguments, read, request

T = TypeVar("T")


class Caller:
    """Runs operations at once."""

    def _run(self, op: str, given: dict[str, Any], kind: type[T], options: Options) -> Answer[T]:
        raise NotImplementedError


class AsyncCaller:
    """Runs operations for callers that await them."""

    async def _run(self, op: str, given: dict[str, Any], kind: type[T], options: Options) -> Answer[T]:
        raise NotImplementedError


class Area:
    """The operations of one area."""

    __slots__ = ("_caller",)

    def __init__(self, caller: Caller) -> None:
        self._caller = caller


class AsyncArea:
    """The operations of one area, to be awaited."""

    __slots__ = ("_caller",)

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller


class _Pure(Caller):
    """Runs operations that need no engine."""

    _settings = Settings(Options())

    def _run(self, op: str, given: dict[str, Any], kind: type[T], options: Options) -> Answer[T]:
        return read(_crm.call(request(op, arguments(op, given, options), self._settings, options)), kind)


PURE: Caller = _Pure()
