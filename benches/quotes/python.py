"""`python python.py QUOTES FOLDER`: in Python against `decimal` and zen; a JSON text a line.

FOLDER holds the package `crm_core` with an optimised extension module.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import zen

sys.path.insert(0, sys.argv[2])
import crm_core  # noqa: E402
from crm_core import _crm  # noqa: E402

CENT, HUNDRED, ZERO = Decimal("0.01"), Decimal(100), Decimal(0)
ROUNDS, BUDGET = 15, 0.05


def as_text(quote: Any) -> str:
    return json.dumps({"op": "quotes.price", "explain": "none", "input": quote}, separators=(",", ":"))


def over_objects(quote: Any) -> Any:
    """crm-core, which takes and gives texts, from a dict to a dict."""
    answer = json.loads(_crm.call(as_text(quote)))
    if not answer["ok"]:
        raise ValueError(answer["error"]["message"])
    return answer["value"]


def over_models(quote: Any) -> Any:
    """crm-core's typed façade, from a dict to a pydantic model."""
    return crm_core.quotes.price(**quote, explain="none").value


def with_decimal(quote: Any) -> Any:
    """What one writes with the standard library: `decimal` in C, whole cents only to share the discount."""
    lines, nets = [], []
    amount = net = ZERO
    for line in quote["lines"]:
        product = Decimal(line["quantity"]) * Decimal(line["unit_price"])
        listed = product.quantize(CENT, ROUND_HALF_UP)
        kept = (product * (HUNDRED - Decimal(line["discount_percent"])) / HUNDRED).quantize(CENT, ROUND_HALF_UP)
        amount += listed
        net += kept
        lines.append({"amount": listed, "net": kept})
        nets.append(int(kept * 100))
    discount = (net * Decimal(quote["discount_percent"]) / HUNDRED).quantize(CENT, ROUND_HALF_UP)
    tax = ZERO
    for one, share, line in zip(lines, shared(int(discount * 100), nets), quote["lines"]):
        part = Decimal(share) / 100
        taxable = one["net"] - part
        due = (taxable * Decimal(line["tax_percent"]) / HUNDRED).quantize(CENT, ROUND_HALF_UP)
        one["document_discount"], one["taxable"], one["tax"], one["total"] = part, taxable, due, taxable + due
        tax += due
    taxable = net - discount
    return {
        "lines": lines,
        "amount": str(amount),
        "net": str(net),
        "document_discount": str(discount),
        "taxable": str(taxable),
        "tax": str(tax),
        "total": str(taxable + tax),
    }


def shared(cents: int, weights: list[int]) -> list[int]:
    """Shares whole cents by weights, largest fraction first."""
    if cents == 0:
        return [0] * len(weights)
    total = sum(weights)
    parts = [divmod(cents * weight, total) for weight in weights]
    shares = [part for part, _ in parts]
    order = sorted(range(len(parts)), key=lambda index: -parts[index][1])
    for index in order[: cents - sum(shares)]:
        shares[index] += 1
    return shares


def decimal_over_texts(text: str) -> str:
    """The same from the text of a request to the text of an answer, as a service does."""
    priced = with_decimal(json.loads(text)["input"])
    priced["lines"] = [{name: str(value) for name, value in line.items()} for line in priced["lines"]]
    return json.dumps({"ok": True, "value": priced})


def numbers(quote: Any) -> Any:
    """zen takes numbers."""
    lines = [{name: float(value) for name, value in line.items()} for line in quote["lines"]]
    return {"discount_percent": float(quote["discount_percent"]), "lines": lines}


decision = zen.ZenEngine().create_decision(json.loads(Path(__file__).with_name("zen.json").read_text()))


def with_zen(quote: Any) -> Any:
    return decision.evaluate(quote)["result"]


def zen_over_texts(text: str) -> str:
    return json.dumps({"ok": True, "value": with_zen(numbers(json.loads(text)["input"]))})


def total(answer: Any) -> Any:
    if isinstance(answer, str):
        answer = json.loads(answer)["value"]
    return answer["total"] if isinstance(answer, dict) else answer.total


class Contender:
    def __init__(self, name: str, run: Callable[[Any], Any], inputs: list[Any]) -> None:
        self.name, self.run, self.inputs = name, run, inputs
        self.checksum = sum(round(float(total(run(one))) * 100) for one in inputs)
        self.turns = 2
        self.turns = max(1, round(BUDGET * 1e6 / (self.block() * len(inputs))))
        self.block()
        self.times: list[float] = []

    def block(self) -> float:
        run, inputs = self.run, self.inputs
        start = time.perf_counter()
        for _ in range(self.turns):
            for one in inputs:
                run(one)
        return (time.perf_counter() - start) * 1e6 / (self.turns * len(inputs))


def race(form: str, lines: str, contenders: list[Contender]) -> None:
    """Interleaved rounds, so that whatever the machine does in the meantime meets all contenders."""
    for _ in range(ROUNDS):
        for one in contenders:
            one.times.append(one.block())
    for one in contenders:
        # The median of the ratios of one round, not the ratio of medians: a slow moment meets both.
        ratio = statistics.median(theirs / ours for theirs, ours in zip(one.times, contenders[0].times))
        result = {"name": one.name, "micros": statistics.median(one.times), "ratio": ratio, "checksum": str(one.checksum)}
        print(json.dumps({"where": "python", "form": form, "lines": int(lines), **result}), flush=True)


if __name__ == "__main__":
    for lines, quotes in json.loads(Path(sys.argv[1]).read_text()).items():
        texts = [as_text(quote) for quote in quotes]
        race("texts", lines, [
            Contender("crm-core", _crm.call, texts),
            Contender("decimal", decimal_over_texts, texts),
            Contender("zen", zen_over_texts, texts),
        ])
        race("objects", lines, [
            Contender("crm-core", over_objects, quotes),
            Contender("the call alone", _crm.call, texts),
            Contender("typed façade", over_models, quotes),
            Contender("decimal", with_decimal, quotes),
            Contender("zen", with_zen, [numbers(quote) for quote in quotes]),
        ])
