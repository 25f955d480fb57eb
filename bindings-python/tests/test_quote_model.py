"""`quotes.price` against the independent model in `tests/model`, on quotes that hypothesis thinks up."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_core import call_json
from crm_core._wire import dumps, loads

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "model"))
from quote_model import MINOR_UNITS, MODES, disagreement, exact  # noqa: E402

EXAMPLES = 20_000 if os.environ.get("CRM_SOAK") else 400


def numbers(most: int, places: int) -> st.SearchStrategy[Any]:
    """Decimals as texts, whole numbers as texts or integers; the edges come up often."""
    exact = st.integers(0, most * 10**places).map(lambda digits: f"{digits:0{places + 1}d}")
    texts = exact.map(lambda digits: f"{digits[:-places]}.{digits[-places:]}")
    return st.one_of(texts, st.integers(0, most), st.integers(0, most).map(str), st.sampled_from(["0", "0.5", "1"]))


def optional(**fields: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    return fields


LINES = st.fixed_dictionaries(
    {"quantity": numbers(10_000, 3), "unit_price": numbers(100_000, 4)},
    optional=optional(discount_percent=numbers(99, 2), tax_percent=numbers(30, 3)),
)
ROUNDINGS = st.fixed_dictionaries(
    {},
    optional=optional(
        tax=st.sampled_from(["line", "document"]),
        mode=st.sampled_from([*MODES, "half_odd"]),
        increment=st.sampled_from(["0.01", "0.05", "1", "0.0001", "0.25", "7"]),
    ),
)
QUOTES = st.fixed_dictionaries(
    {"currency": st.sampled_from(sorted(MINOR_UNITS)), "lines": st.lists(LINES, min_size=1, max_size=8)},
    optional=optional(discount_percent=numbers(99, 2), rounding=ROUNDINGS),
)


@settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(QUOTES)
def agrees(quote: dict[str, Any]) -> None:
    exact()
    request = dumps({"op": "quotes.price", "input": quote, "explain": "none"})
    answer = call_json(request)
    assert loads(answer)["ok"], answer
    assert disagreement(request, answer) is None


def test_the_engine_agrees_with_the_model() -> None:
    agrees()
    print(f"figure: {EXAMPLES} quotes of hypothesis, as the model has them")


def test_the_model_would_notice() -> None:
    exact()
    request = dumps({"op": "quotes.price", "input": {"currency": "USD", "lines": [{"quantity": 1, "unit_price": "1.00"}]}, "explain": "none"})
    answer = call_json(request)
    assert disagreement(request, answer) is None
    assert disagreement(request, answer.replace('"total":"1.00"', '"total":"1.01"')) is not None
