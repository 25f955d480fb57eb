"""`python python.py ROWS FOLDER`: the funnel over one table, against polars and DuckDB; a JSON text a line.

FOLDER holds the package `crm_core` with an optimised extension module. The stage is a dictionary column; the amount is whole cents
(`integer`) or a decimal of two digits (`decimal`). All three get the table as they like it best: crm-core and polars the same polars
table, DuckDB a table of its own with an enumeration. Each answers counts and exact sums by stage.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import polars as pl

sys.path.insert(0, sys.argv[2])
from crm_core import _crm  # noqa: E402

ROUNDS = 15
STAGES = ["Prospecting", "Qualification", "Needs Analysis", "Proposal", "Negotiation", "Won", "Lost"]


def table(rows: int) -> pl.DataFrame:
    chance = np.random.default_rng(42)
    stage = chance.integers(0, len(STAGES), rows, dtype=np.uint32)
    cents = np.round(np.exp(chance.normal(9, 1.2, rows)) * 100).astype(np.int64)
    names = pl.Series("stage", STAGES)
    return pl.DataFrame({"stage": names.gather(pl.Series(stage)).cast(pl.Enum(STAGES)), "amount": cents})


def as_decimal(deals: pl.DataFrame) -> pl.DataFrame:
    amount = (pl.col("amount").cast(pl.Decimal(20, 0)) / pl.lit(100).cast(pl.Decimal(20, 0))).cast(pl.Decimal(20, 2))
    return deals.with_columns(amount)


class Contender:
    def __init__(self, name: str, run: Callable[[], Any]) -> None:
        self.name, self.run = name, run
        self.found = run()
        self.times: list[float] = []

    def once(self) -> None:
        start = time.perf_counter()
        self.run()
        self.times.append((time.perf_counter() - start) * 1e3)


def ours(deals: pl.DataFrame) -> Callable[[], Any]:
    frame = {"currency": "JPY" if deals["amount"].dtype == pl.Int64 else "USD"}
    request = json.dumps({"op": "insight.funnel", "explain": "none", "input": {}, "frame": frame})

    def run() -> Any:
        stages = json.loads(_crm.call_frame(request, deals))["value"]["stages"]
        return {stage["stage"]: (stage["count"], stage["amounts"][0]["amount"]) for stage in stages}

    return run


def by_polars(deals: pl.DataFrame) -> Callable[[], Any]:
    question = deals.lazy().group_by("stage").agg(pl.len(), pl.col("amount").sum())

    def run() -> Any:
        return {stage: (count, str(amount)) for stage, count, amount in question.collect().iter_rows()}

    return run


def by_duckdb(deals: pl.DataFrame) -> Callable[[], Any]:
    connection = duckdb.connect()
    names = ", ".join(f"'{name}'" for name in STAGES)
    connection.execute(f"create type stage as enum ({names})")
    kind = "bigint" if deals["amount"].dtype == pl.Int64 else "decimal(18, 2)"
    plain = deals.with_columns(pl.col("stage").cast(pl.String)).to_arrow()  # noqa: F841  DuckDB finds it by its name
    connection.execute(f"create table deals as select stage::stage as stage, amount::{kind} as amount from plain")

    def run() -> Any:
        rows = connection.execute("select stage, count(*), sum(amount) from deals group by stage").fetchall()
        return {stage: (count, str(amount)) for stage, count, amount in rows}

    return run


if __name__ == "__main__":
    whole = table(int(sys.argv[1]))
    for form, deals in (("integer", whole), ("decimal", as_decimal(whole))):
        contenders = [
            Contender("crm-core", ours(deals)),
            Contender("polars", by_polars(deals)),
            Contender("duckdb", by_duckdb(deals)),
        ]
        for other in contenders[1:]:
            if other.found != contenders[0].found:
                raise ValueError(f"{other.name} found {other.found}, crm-core {contenders[0].found}")
        # Interleaved rounds, so that whatever the machine does in the meantime meets all contenders.
        for _ in range(ROUNDS):
            for one in contenders:
                one.once()
        for one in contenders:
            ratio = statistics.median(theirs / mine for theirs, mine in zip(one.times, contenders[0].times))
            result = {"name": one.name, "millis": statistics.median(one.times), "ratio": ratio}
            print(json.dumps({"where": "frames", "form": form, "rows": deals.height, **result}), flush=True)
