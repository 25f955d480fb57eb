"""Figures over tables: a pipeline as Salesforce, HubSpot or anybody else exported it, asked the same questions as a store.

    from crm_core import frames
    funnel = frames.funnel(deals, currency="USD")    # polars, pandas, pyarrow: anything that speaks Arrow
    print(funnel.definition())
    funnel.to_frame()

Columns are guessed from their headers (`source="salesforce"` and `"hubspot"` know those exports) or named:
`columns={"stage": "deal_stage", "amount": "close_value"}`. What was guessed, rounded, missing or unreadable stands in
`funnel.report`. Money in floats is accepted here alone: each is taken as the shortest decimal that stands for it and rounded to
the currency's minor unit, half away from zero unless `rounding` says otherwise.
"""

from __future__ import annotations

import html
import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, Literal, TypedDict, TypeVar, Unpack

from . import _crm, models
from ._answer import Reason
from ._catalogue import render_code
from ._values import DateLike, DecimalLike, Options
from ._wire import Settings, answer, dumps, loads, request

__all__ = [
    "Figures",
    "FrameReport",
    "ReadOptions",
    "Rows",
    "cycle_time",
    "forecast",
    "funnel",
    "win_rate",
    "won_value",
]

T = TypeVar("T", covariant=True)
GroupBy = Literal["owner", "manager", "team", "product", "account", "source", "month", "quarter"]
Library = Literal["polars", "pandas", "pyarrow"]


class Prices(TypedDict):
    """What each product costs."""

    currency: str
    """The currency."""
    prices: Mapping[str, DecimalLike]
    """The price of one unit, by the product as the table writes it."""


class ReadOptions(Options, total=False):
    """How a table is read, beside the options of every operation."""

    columns: Mapping[str, str]
    """Which column holds which field: stage, is_closed, is_won, owner, manager, team, product, account, source, amount, currency,
    probability, start, closed_on, expected_close. Fields that are not named are guessed."""
    source: Literal["salesforce", "hubspot"]
    """The system that exported the table."""
    guess: bool
    """Whether fields that `columns` does not name are guessed; yes by default."""
    currency: str
    """The currency of amounts without one."""
    rounding: str
    """The mode in which money in floats is rounded; `half_away_from_zero` by default."""
    dates: Literal["iso", "month_first", "day_first"]
    """How dates in text are written."""
    probabilities: Literal["percent", "fraction"]
    """What a probability of 1 means."""
    stages: Sequence[Mapping[str, Any]]
    """The stages in their order, each `{"id", "kind", "probability"}`."""
    prices: Prices
    """The prices of the `list_price` policy."""
    config: Any
    """A configuration, whose pipeline is used if it has every stage of the table."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table: how many, and the first few."""

    count: int
    """How many."""
    rows: tuple[int, ...] = ()
    """The numbers of the first ones, counted from 0."""
    values: tuple[str, ...] = ()
    """What stood there."""

    @classmethod
    def _read(cls, plain: Mapping[str, Any]) -> Rows:
        return cls(plain["count"], tuple(plain["rows"]), tuple(plain.get("values", ())))

    def __str__(self) -> str:
        shown = [f"{row} ({value})" for row, value in zip(self.rows, self.values, strict=False)] or [str(r) for r in self.rows]
        more = ", ..." if self.count > len(shown) else ""
        return f"{self.count:,} rows: {', '.join(shown)}{more}"


@dataclass(frozen=True, slots=True)
class FrameReport:
    """How a table was read; printing it shows the mapping and the dirt."""

    rows: int
    """How many rows."""
    columns: Mapping[str, str]
    """Which column was read for which field."""
    guessed: tuple[str, ...]
    """The fields that were guessed from the headers."""
    unused: tuple[str, ...]
    """The columns that were not read."""
    stages: tuple[str, ...]
    """The stages in the order that was used."""
    stage_order: str
    """How that order was found: given, configured, source, probability or name."""
    rounding: str
    """The mode in which money in floats was rounded."""
    rounded: Rows
    """The rows whose amount was changed by rounding."""
    missing: Mapping[str, Rows] = field(default_factory=dict)
    """By field, the rows without a value."""
    unreadable: Mapping[str, Rows] = field(default_factory=dict)
    """By field, the rows whose value cannot be read; they count as missing."""

    @classmethod
    def _read(cls, plain: Mapping[str, Any]) -> FrameReport:
        def rows(name: str) -> dict[str, Rows]:
            return {of: Rows._read(each) for of, each in plain[name].items()}

        return cls(
            rows=plain["rows"],
            columns=plain["columns"],
            guessed=tuple(plain["guessed"]),
            unused=tuple(plain["unused"]),
            stages=tuple(plain["stages"]),
            stage_order=plain["stage_order"],
            rounding=plain["rounding"],
            rounded=Rows._read(plain["rounded"]),
            missing=rows("missing"),
            unreadable=rows("unreadable"),
        )

    def __str__(self) -> str:
        lines = [f"{self.rows:,} rows"]
        for name, column in self.columns.items():
            lines.append(f"  {name} <- {column}{' (guessed)' if name in self.guessed else ''}")
        if self.unused:
            lines.append(f"  not read: {', '.join(self.unused)}")
        lines.append(f"  stages by {self.stage_order}: {', '.join(self.stages)}")
        if self.rounded.count:
            lines.append(f"  amount rounded ({self.rounding}): {self.rounded}")
        lines.extend(f"  {name} missing: {rows}" for name, rows in self.missing.items())
        lines.extend(f"  {name} unreadable: {rows}" for name, rows in self.unreadable.items())
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, repr=False)
class Figures(Generic[T]):
    """The figures of one question, with their definition. Show it in a notebook, or turn it into a table.

    `Figures(crm.insight.funnel().value)` does the same for figures from a store.
    """

    value: T
    """The figures as a model, such as `models.Funnel`."""
    report: FrameReport | None = None
    """How the table was read; None for figures from a store."""
    reasons: tuple[Reason, ...] = ()
    """The definition, as reasons."""
    _by: str = "group"
    _library: str | None = None

    def definition(self, locale: str = "en") -> str:
        """What the figures mean and what was assumed for them, in English (`en`) or Chinese (`zh`)."""
        defined: list[models.Definition] = getattr(self.value, "definition")
        return "\n".join(render_code(each.code, each.params, locale) for each in defined)

    def rows(self) -> list[dict[str, Any]]:
        """The figures as plain rows: one a stage, group or month, and currency."""
        return [row for row in _ROWS[type(self.value)](self.value, self._by)]

    def to_frame(self, library: Library | None = None, *, floats: bool = False) -> Any:
        """The figures as a table of the library that the question came in, or of another one.

        Args:
            library: `polars`, `pandas` or `pyarrow`.
            floats: turns decimals into floats, for charts.
        """
        rows = self.rows()
        names = list(dict.fromkeys(name for row in rows for name in row))
        table = {name: [_plain(row.get(name), floats) for row in rows] for name in names}
        chosen = library or self._library or "pandas"
        if chosen == "pyarrow":
            return importlib.import_module("pyarrow").table(table)
        return importlib.import_module(chosen).DataFrame(table)

    def __repr__(self) -> str:
        rows = self.rows()
        names = list(dict.fromkeys(name for row in rows for name in row))
        cells = [names, *([_text(row.get(name)) for name in names] for row in rows)]
        widths = [max(len(line[place]) for line in cells) for place in range(len(names))]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
        return "\n".join([*lines, "", self.definition()])

    def _repr_html_(self) -> str:
        rows = self.rows()
        names = list(dict.fromkeys(name for row in rows for name in row))
        head = "".join(f"<th>{html.escape(name.replace('_', ' '))}</th>" for name in names)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_text(row.get(name)))}</td>" for name in names) + "</tr>" for row in rows
        )
        notes = "".join(f"<li>{html.escape(line)}</li>" for line in self.definition().splitlines())
        report = ""
        if self.report is not None:
            report = f"<details><summary>How the table was read</summary><pre>{html.escape(str(self.report))}</pre></details>"
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><ul>{notes}</ul>{report}"


def funnel(
    frame: Any, *, pipeline: str | None = None, group_by: GroupBy | None = None, **options: Unpack[ReadOptions]
) -> Figures[models.Funnel]:
    """How many opportunities stand in each stage. A table has no stage history, so this is a snapshot and says so."""
    return _ask("insight.funnel", frame, {"pipeline": pipeline, "group_by": group_by}, models.Funnel, options)


def win_rate(
    frame: Any,
    *,
    pipeline: str | None = None,
    group_by: GroupBy | None = None,
    closed_from: DateLike | None = None,
    closed_to: DateLike | None = None,
    **options: Unpack[ReadOptions],
) -> Figures[models.WinRates]:
    """How many of the closed opportunities were won."""
    given = {"pipeline": pipeline, "group_by": group_by, "closed_from": closed_from, "closed_to": closed_to}
    return _ask("insight.win_rate", frame, given, models.WinRates, options)


def won_value(
    frame: Any,
    *,
    pipeline: str | None = None,
    group_by: GroupBy | None = None,
    closed_from: DateLike | None = None,
    closed_to: DateLike | None = None,
    **options: Unpack[ReadOptions],
) -> Figures[models.WonValues]:
    """What the won opportunities were worth, each currency by itself."""
    given = {"pipeline": pipeline, "group_by": group_by, "closed_from": closed_from, "closed_to": closed_to}
    return _ask("insight.won_value", frame, given, models.WonValues, options)


def cycle_time(
    frame: Any,
    *,
    pipeline: str | None = None,
    group_by: GroupBy | None = None,
    closed_from: DateLike | None = None,
    closed_to: DateLike | None = None,
    **options: Unpack[ReadOptions],
) -> Figures[models.CycleTimes]:
    """How many days opportunities took from their start to their close."""
    given = {"pipeline": pipeline, "group_by": group_by, "closed_from": closed_from, "closed_to": closed_to}
    return _ask("insight.cycle_time", frame, given, models.CycleTimes, options)


def forecast(
    frame: Any,
    *,
    pipeline: str | None = None,
    as_of: DateLike | None = None,
    months: int | None = None,
    in_stages: Sequence[str] | None = None,
    close: Literal["none", "median_cycle"] = "none",
    amount: Literal["none", "list_price"] = "none",
    probability: Literal["deal", "stage", "historic_win_rate"] = "deal",
    start: DateLike | None = None,
    **options: Unpack[ReadOptions],
) -> Figures[models.Forecast]:
    """What the open opportunities may bring, by month.

    Args:
        frame: the table.
        pipeline: the pipeline, where a configuration names several.
        as_of: the day from which it is looked ahead; today by default.
        months: how many months stand by themselves; 12 by default.
        in_stages: only the open opportunities in these stages.
        close: what is assumed without an expected close: nothing, or the start plus the median days to win.
        amount: what is assumed without an amount: nothing, or the product's list price (see `prices`).
        probability: the opportunity's own, that of its stage, or won of closed opportunities of the product.
        start: the start that is assumed without one, such as the day of an import.
        options: how the table is read, see `ReadOptions`.
    """
    policies = {"close": close, "amount": amount, "probability": probability, **({} if start is None else {"start": start})}
    given = {"pipeline": pipeline, "as_of": as_of, "months": months, "stages": in_stages, "policies": policies}
    return _ask("insight.forecast", frame, given, models.Forecast, options)


_READ = frozenset(ReadOptions.__annotations__) - frozenset(Options.__annotations__)


def _ask(op: str, frame: Any, given: dict[str, Any], kind: type[T], options: Any) -> Figures[T]:
    if not (hasattr(frame, "__arrow_c_stream__") or hasattr(frame, "__arrow_c_array__")):
        made = type(frame).__name__
        raise TypeError(f"a `{made}` has no Arrow interface: give a polars, pyarrow or pandas (2.2 or later) table")
    frame = _readable(frame)
    read = {name: value for name, value in options.items() if name in _READ and value is not None}
    config = read.pop("config", None)
    rest: Options = {name: value for name, value in options.items() if name not in _READ}  # type: ignore[assignment]
    settings = Settings(Options()).at(config, rest)
    text = request(op, {name: value for name, value in given.items() if value is not None}, settings, Options())
    plain = loads(_crm.call_frame(f'{text[:-1]},"frame":{dumps(read)}}}', frame))
    read_back = answer(plain, kind)
    by = str(given.get("group_by") or "group")
    return Figures(read_back.value, FrameReport._read(plain["frame"]), read_back.reasons, by, _library(frame))


def _readable(frame: Any) -> Any:
    """The table without polars' columns of nothing but null, whose Arrow form other libraries refuse to read: as texts."""
    if _library(frame) != "polars" or not hasattr(frame, "schema"):
        return frame
    polars = importlib.import_module("polars")
    empty = [name for name, kind in frame.schema.items() if kind == polars.Null]
    return frame.cast(dict.fromkeys(empty, polars.String)) if empty else frame


def _library(frame: Any) -> str | None:
    name = type(frame).__module__.partition(".")[0]
    return name if name in ("polars", "pandas", "pyarrow") else None


def _plain(value: Any, floats: bool) -> Any:
    return float(value) if floats and isinstance(value, Decimal) else value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else str(value)


def _groups(value: Any, by: str) -> Iterator[tuple[dict[str, Any], Any]]:
    """The groups with their names; the total where nothing was grouped by."""
    if not value.groups:
        yield {}, value.total
    for group in value.groups:
        yield {by: group.label or group.key}, group.figures


def _funnel(value: models.Funnel, by: str) -> Iterator[dict[str, Any]]:
    groups: list[tuple[dict[str, Any], list[models.FunnelStage]]] = [({by: g.label or g.key}, g.stages) for g in value.groups]
    for named, stages in groups or [({}, value.stages)]:
        for stage in stages:
            row = {**named, "stage": stage.name or stage.stage, "kind": stage.kind, "count": stage.count}
            if value.basis == "history":
                percent = stage.conversion.percent if stage.conversion else None
                row |= {"entered": stage.entered, "converted": stage.converted, "percent": percent, "median_days": stage.median_days}
            worths = [{"currency": money.currency, "amount": money.amount} for money in stage.amounts]
            for worth in worths or [{"currency": None, "amount": None}]:
                yield {**row, **worth, "without_amount": stage.without_amount}


def _win_rate(value: models.WinRates, by: str) -> Iterator[dict[str, Any]]:
    for named, rate in _groups(value, by):
        yield {**named, "won": rate.won, "lost": rate.lost, "percent": rate.rate.percent}


def _won_value(value: models.WonValues, by: str) -> Iterator[dict[str, Any]]:
    for named, worth in _groups(value, by):
        for each in worth.values:
            figures = {name: getattr(each, name) for name in ("currency", "sum", "average", "median", "min", "max")}
            yield {**named, "count": worth.count, **figures, "without_amount": worth.without_amount}


def _cycle_time(value: models.CycleTimes, by: str) -> Iterator[dict[str, Any]]:
    for named, cycle in _groups(value, by):
        for outcome in ("won", "lost", "closed"):
            days = getattr(cycle, outcome)
            yield {**named, "outcome": outcome, **{name: getattr(days, name) for name in ("count", "mean", "median", "min", "max")}}


def _forecast(value: models.Forecast, by: str) -> Iterator[dict[str, Any]]:
    for bucket in value.buckets:
        row = {"bucket": bucket.month or bucket.kind, "kind": bucket.kind, "count": bucket.figures.count}
        names = ("currency", "amount", "weighted")
        worths = [{name: getattr(each, name) for name in names} for each in bucket.figures.values]
        for worth in worths or [dict.fromkeys(names)]:
            yield {**row, **worth, "without_amount": bucket.figures.without_amount}


_ROWS: dict[type, Any] = {
    models.Funnel: _funnel,
    models.WinRates: _win_rate,
    models.WonValues: _won_value,
    models.CycleTimes: _cycle_time,
    models.Forecast: _forecast,
}
