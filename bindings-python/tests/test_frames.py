"""Figures over tables of every library, and over exports as they come."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pytest

import crm_core
from crm_core import frames

ROOT = Path(__file__).resolve().parents[2]
DEALS = ROOT / "examples/data/sales_pipeline.csv.gz"
FIXTURES = ROOT / "tests/fixtures"
PRICES = {
    "GTX Basic": 550,
    "GTXPro": 4821,
    "MG Special": 55,
    "MG Advanced": 3393,
    "GTX Plus Pro": 5482,
    "GTX Plus Basic": 1096,
    "GTK 500": 26768,
}


def by_pandas() -> pd.DataFrame:
    return pd.read_csv(DEALS)


def by_pandas_object() -> pd.DataFrame:
    deals = pd.read_csv(DEALS, dtype=object, keep_default_na=False)
    deals["close_value"] = [None if value == "" else Decimal(value) for value in deals["close_value"]]
    return deals.astype(object)


def by_pandas_arrow() -> pd.DataFrame:
    return pd.read_csv(DEALS, dtype_backend="pyarrow", parse_dates=["engage_date", "close_date"])


def by_polars() -> pl.DataFrame:
    return pl.read_csv(gzip.open(DEALS).read(), try_parse_dates=True)


def by_polars_categorical() -> pl.DataFrame:
    deals = by_polars()
    return deals.with_columns(pl.col("deal_stage").cast(pl.Categorical), pl.col("close_value").cast(pl.Decimal(12, 2)))


def by_pyarrow() -> pa.Table:
    return pyarrow.csv.read_csv(pa.BufferReader(gzip.open(DEALS).read()))


LIBRARIES = [by_pandas, by_pandas_object, by_pandas_arrow, by_polars, by_polars_categorical, by_pyarrow]


@pytest.mark.parametrize("read", LIBRARIES)
def test_every_library_gives_the_same_figures(read):
    deals = read()
    funnel = frames.funnel(deals, currency="USD")
    assert {stage.stage: stage.count for stage in funnel.value.stages} == {
        "Engaging": 1589,
        "Prospecting": 500,
        "Won": 4238,
        "Lost": 2473,
    }
    assert funnel.value.basis == "snapshot"
    assert "cannot know" in funnel.definition()
    assert funnel.report.rounded.count == 0
    assert funnel.report.columns["amount"] == "close_value"
    assert frames.win_rate(deals).value.total.rate.percent == Decimal("63.1501")
    assert frames.won_value(deals, currency="USD").value.total.values[0].sum == Decimal("10005534")
    cycle = frames.cycle_time(deals).value.total.closed
    assert (cycle.mean, cycle.median, cycle.min, cycle.max) == (Decimal("47.9854"), Decimal("45"), 1, 138)
    agents = frames.win_rate(deals, group_by="owner")
    hayden = next(row for row in agents.rows() if row["owner"] == "Hayden Neloms")
    assert hayden["percent"] == Decimal("70.3947")
    quarter = frames.won_value(deals, currency="USD", group_by="quarter").rows()
    assert next(row for row in quarter if row["quarter"] == "2017-Q2")["sum"] == Decimal("3086111")


@pytest.mark.parametrize("read", [by_pandas, by_polars])
def test_a_forecast_says_what_it_assumed(read):
    forecast = frames.forecast(
        read(),
        as_of="2017-12-31",
        close="median_cycle",
        amount="list_price",
        probability="historic_win_rate",
        start="2017-12-31",
        currency="USD",
        prices={"currency": "USD", "prices": PRICES},
    )
    value = forecast.value
    assert (value.total.count, value.imputed.close, value.imputed.start) == (2089, 2089, 500)
    buckets = [each for bucket in value.buckets for each in bucket.figures.values]
    assert sum(each.weighted for each in buckets) == value.total.values[0].weighted
    assert sum(bucket.figures.count for bucket in value.buckets) == 2089
    assert "57 days" in forecast.definition() and "500" in forecast.definition()
    assert "定价" in forecast.definition("zh") or "推定" in forecast.definition("zh")
    engaging = frames.forecast(
        read(),
        as_of="2017-12-31",
        in_stages=["Engaging"],
        amount="list_price",
        probability="historic_win_rate",
        columns={"expected_close": "close_date"},
        currency="USD",
        prices={"currency": "USD", "prices": PRICES},
    )
    assert engaging.value.total.values[0].weighted == Decimal("2436632.42")


def test_salesforce_as_exported():
    exported = pd.read_csv(FIXTURES / "salesforce_opportunities.csv")
    funnel = frames.funnel(exported, source="salesforce")
    report = funnel.report
    assert report.columns["owner"] == "Opportunity Owner"
    assert report.columns["expected_close"] == report.columns["closed_on"] == "Close Date"
    assert "stage" in report.guessed and "Opportunity Name" in report.unused
    assert report.stage_order == "source"
    assert report.stages[0] == "Prospecting" and report.stages[-2:] == ("Closed Won", "Closed Lost")
    assert "amount <- Amount (guessed)" in str(report)
    assert funnel.value.count == 30
    won = exported[exported["Won"] == 1]
    assert frames.win_rate(exported, source="salesforce").value.total.won == len(won)
    sums = frames.won_value(exported, source="salesforce").value.total.values[0]
    assert sums.sum == sum(Decimal(str(text).replace(",", "")) for text in won["Amount"])
    forecast = frames.forecast(exported, source="salesforce", as_of="2026-03-31")
    assert forecast.report.unreadable["expected_close"].values == ("TBD",)
    assert forecast.value.total.count == int((exported["Closed"] == 0).sum())


def test_hubspot_as_exported():
    exported = pl.read_csv(FIXTURES / "hubspot_deals.csv")
    values = frames.won_value(exported, source="hubspot", group_by="team")
    won = exported.filter(pl.col("Is Closed Won") == True)  # noqa: E712
    assert values.value.total.count == won.height
    assert {each.currency for each in values.value.total.values} <= {"EUR", "GBP"}
    forecast = frames.forecast(exported, source="hubspot", as_of="2026-01-01")
    assert forecast.report.columns["probability"] == "Deal probability"
    total = {each.currency: each.amount for each in forecast.value.total.values}
    open_deals = exported.filter(~pl.col("Is Deal Closed?"))
    for currency, amount in total.items():
        texts = open_deals.filter(pl.col("Currency") == currency)["Amount"].to_list()
        assert amount == sum(Decimal(text) for text in texts if text not in (None, "call me"))
    weighted = sum(each.weighted for each in forecast.value.total.values)
    assert 0 < weighted < sum(total.values())


def test_floats_are_rounded_by_a_named_rule_and_listed():
    table = pd.DataFrame({"stage": ["Won"] * 4, "amount": [1.005, 0.1 + 0.2, float("nan"), 19.99]})
    values = frames.won_value(table, currency="USD")
    assert values.value.total.values[0].sum == Decimal("21.30")
    assert values.report.rounded.rows == (0, 1)
    assert values.report.rounded.values == ("1.005", "0.30000000000000004")
    assert values.report.missing["amount"].rows == (2,)
    assert "amount rounded (half_away_from_zero): 2 rows: 0 (1.005)" in str(values.report)
    down = frames.won_value(table, currency="USD", rounding="floor")
    assert down.value.total.values[0].sum == Decimal("21.29")


def test_results_render_and_turn_into_tables_of_the_same_library():
    deals = by_polars()
    rates = frames.win_rate(deals, group_by="product")
    table = rates.to_frame()
    assert isinstance(table, pl.DataFrame) and table.columns == ["product", "won", "lost", "percent"]
    assert isinstance(rates.to_frame("pandas", floats=True)["percent"].iloc[0], float)
    assert rates.to_frame("pyarrow").num_rows == table.height
    page = rates._repr_html_()
    assert "<table>" in page and "won / (won + lost)" in page and "GTX Basic" in page
    assert "How the table was read" in page
    assert "GTX Basic" in repr(rates)
    evil = frames.win_rate(pl.DataFrame({"stage": ["Won"], "owner": ["<b>x</b>"]}), group_by="owner")
    assert "<b>x</b>" not in evil._repr_html_()


def test_figures_from_a_store_render_too():
    crm = crm_core.Crm.in_memory()
    deal = crm.opportunities.create(name="A", amount="10", currency="USD").value
    crm.opportunities.advance(id=deal.id, to="proposal")
    funnel = frames.Figures(crm.insight.funnel().value)
    assert [row["entered"] for row in funnel.rows()][:3] == [1, 0, 1]
    assert "ever in the stage" in funnel.definition()


def test_wrong_use_says_what_to_do():
    deals = by_polars()
    with pytest.raises(crm_core.ValidationError, match="did you mean `deal_stage`"):
        frames.funnel(deals, columns={"stage": "deal_stag"})
    with pytest.raises(crm_core.ValidationError) as caught:
        frames.won_value(deals)
    assert (caught.value.code, caught.value.path) == ("missing_currency", "frame.currency")
    with pytest.raises(crm_core.ValidationError, match="`currencey`|currency"):
        frames.funnel(deals, currency="usd")
    with pytest.raises(TypeError, match="no option `curency`"):
        frames.funnel(deals, curency="USD")
    with pytest.raises(TypeError, match="no Arrow interface"):
        frames.funnel([{"stage": "Won"}])
    with pytest.raises(crm_core.ValidationError) as caught:
        frames.win_rate(deals, closed_from="2018-01-01", closed_to="2017-01-01")
    assert caught.value.code == "dates_reversed"
    with pytest.raises(crm_core.ValidationError) as caught:
        frames.won_value(deals, columns={"amount": "sales_agent"}, currency="USD", group_by="manager")
    assert caught.value.code == "missing_column"
    flags = pl.DataFrame({"stage": ["Won"], "amount": [True]})
    with pytest.raises(crm_core.ValidationError) as caught:
        frames.won_value(flags, currency="USD")
    assert caught.value.code == "unreadable_column"


def test_a_table_without_rows_has_figures_of_nothing():
    empty = by_polars().clear()
    funnel = frames.funnel(empty, currency="USD")
    assert (funnel.value.count, funnel.report.rows) == (0, 0)
    assert frames.win_rate(empty).value.total.rate.percent is None


def test_columns_of_nothing_but_null_are_missing_values():
    deals = {"stage": ["Won", "Lost"], "amount": ["5", "7"], "currency": ["EUR", "EUR"], "notes": [None, None]}
    worth = frames.won_value(pl.DataFrame(deals))
    assert worth.rows()[0]["sum"] == Decimal("5.00")
    nothing = {**deals, "amount": [None, None]}
    for made in (pl.DataFrame(nothing), pd.DataFrame(nothing), pa.table(nothing)):
        assert frames.won_value(made).value.total.without_amount == 1


def test_stages_without_probability_do_not_weigh_nothing():
    deals = {"stage": ["New"], "amount": ["5"], "currency": ["EUR"], "expected_close": ["2026-03-01"]}
    table = pl.DataFrame(deals)
    with pytest.raises(crm_core.ValidationError, match="the open stage `New` has no probability") as caught:
        frames.forecast(table, probability="stage", now="2026-01-31T09:00:00Z")
    assert caught.value.code == "stage_without_probability"
    stages = [{"id": "New", "probability": 40}]
    weighed = frames.forecast(table, probability="stage", stages=stages, now="2026-01-31T09:00:00Z")
    assert "2.00" in str(weighed.value)


def test_a_configured_pipeline_names_the_stages():
    pipeline = {
        "id": "hardware",
        "stages": [
            {"id": "prospecting", "probability": 10},
            {"id": "engaging", "name": "Engaging", "probability": 40},
            {"id": "won", "kind": "won"},
            {"id": "lost", "kind": "lost"},
        ],
    }
    config = {"version": 1, "currency": "USD", "pipelines": [pipeline]}
    funnel = frames.funnel(by_polars(), config=config)
    assert funnel.report.stage_order == "configured"
    assert [stage.count for stage in funnel.value.stages] == [500, 1589, 4238, 2473]
