"""Random `quotes.price` requests, one JSON text a line: `python generate_quotes.py COUNT FILE [SEED]`.

The same count and seed give the same file everywhere: the numbers come from a generator of our own in whole numbers. Nearly all
requests are valid; one in sixteen has mistakes, and one in sixty-four has numbers that may be too large.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from quote_model import MINOR_UNITS, MODES

T = TypeVar("T")
ALL_MODES = [*MODES, "half_odd"]
INCREMENTS = ["0.01", "0.05", "0.1", "0.25", "1", "0.010", "0.03", "7", "0.0001"]
TAXES = ["0", "5", "5.5", "7.7", "19", "20", "20.00", "21", "8.875", "1000"]


class Dice:
    """A linear congruential generator (Knuth's MMIX constants), of which the upper half is used."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def below(self, limit: int) -> int:
        """A number from 0 to less than a limit."""
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 32) % limit

    def one_in(self, limit: int) -> bool:
        return self.below(limit) == 0

    def of(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def number(self, digits: int, places: int) -> str:
        """A decimal of up to so many digits with up to so many of them after the point."""
        text = "".join(str(self.below(10)) for _ in range(1 + self.below(digits)))
        point = self.below(places + 1)
        text = text.rjust(point + 1, "0")
        text = f"{text[:-point]}.{text[-point:]}" if point else text
        # A whole number without needless zeros, now and then with them.
        return text if self.one_in(50) else trimmed(text)


def trimmed(text: str) -> str:
    whole, point, fraction = text.partition(".")
    return f"{whole.lstrip('0') or '0'}{point}{fraction}"


def line(dice: Dice, huge: bool) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if dice.one_in(6):
        out["product"] = f"p{dice.below(1000)}"
    if dice.one_in(12):
        out["description"] = dice.of(["Zahnrad Ø 40", "座椅", 'a "quoted" word', "emoji 🧾", ""])
    if huge and dice.one_in(2):
        out["quantity"], out["unit_price"] = dice.number(27, 12), dice.number(27, 27)
    else:
        out["quantity"] = str(1 + dice.below(500)) if dice.below(4) else dice.number(6, 4)
        out["unit_price"] = f"{dice.below(1000)}.{dice.below(100):02}" if dice.below(4) else dice.number(9, 6)
    if dice.one_in(40):
        out["quantity"] = dice.below(1000)  # whole numbers may be numbers
    if dice.one_in(2):
        out["discount_percent"] = dice.of(["0", "5", "10", "12.5", "33.333", "100", dice.number(2, 6)])
    if dice.below(8):
        out["tax_percent"] = dice.of(TAXES)
    return out


def tax(dice: Dice, place: int) -> dict[str, Any]:
    """One tax of any kind."""
    out: dict[str, Any] = {"id": f"t{place}"}
    match dice.below(6):
        case 0:
            out |= {"kind": "fixed", "amount": dice.of(["1", "0.5", "0.015", "-0.25", "2", dice.number(4, 3)])}
        case 1:
            out |= {"kind": "division", "amount": dice.of(["5", "3", "0.65", "9", "15", "20", "-1.5"])}
        case _:
            out["amount"] = dice.of([*TAXES[:-1], "6", "13", "17.5", "-2", "-19", "33.333", "0.125"])
            if dice.one_in(9):
                out["kind"] = "percent"
    if dice.one_in(2):
        out["price_included"] = dice.one_in(2)
    if dice.one_in(3):
        out["affects_base_of_next"] = not dice.one_in(5)
    if dice.one_in(4):
        out["base_affected_by_previous"] = dice.one_in(3)
    if dice.one_in(8):
        out["reverse_charge"] = True
    if dice.one_in(3):
        out["group"] = dice.of(["g1", "g2", "g3"])
    return out


def add_taxes(dice: Dice, request: dict[str, Any]) -> None:
    """Gives a request taxes of their own kinds, a company currency, cash rounding, negative lines: some of these."""
    lines = request["lines"]
    if dice.below(5):
        taxes = [tax(dice, place) for place in range(1 + dice.below(5))]
        request["taxes"] = taxes
        ids = [one["id"] for one in taxes]
        if dice.one_in(4):
            request["tax_sets"] = [{"id": "set", "taxes": ids[: 1 + dice.below(len(ids))]}]
        if dice.one_in(2):
            groups = [{"id": one} for one in ("g3", "g1") if dice.below(3)]
            for group in groups:
                if dice.one_in(2):
                    group["subtotal"] = dice.of(["Federal", "State", "税"])
            request["tax_groups"] = groups
        if dice.one_in(3):
            request["prices_include_tax"] = dice.below(4) > 0
        for one in lines:
            if dice.one_in(8):
                continue
            one.pop("tax_percent", None)
            if "tax_sets" in request and dice.one_in(3):
                one["taxes"] = ["set"]
            else:
                first = dice.below(len(ids))
                one["taxes"] = ids[first : first + dice.below(len(ids) + 1)]
    if dice.one_in(3):
        request.setdefault("rounding", {})["tax"] = "global"
    if dice.one_in(4):
        request.pop("discount_percent", None)
        discount: dict[str, Any] = {}
        if dice.one_in(3):
            discount["amount"] = dice.of(["1", "0.5", "12.34", "100", dice.number(5, 3)])
        else:
            discount["percent"] = dice.of(["2", "3.5", "10", "0", "33.3333", "100"])
        if dice.below(4):
            discount["on"] = dice.of(["gross", "gross", "net"])
        request["document_discount"] = discount
    if dice.one_in(4):
        request["allow_negative"] = True
        for one in lines:
            for field in ("quantity", "unit_price"):
                if dice.one_in(5):
                    one[field] = f"-{one[field]}"
    if dice.one_in(4):
        other = dice.of([one for one in MINOR_UNITS if one != request["currency"]])
        pair = [request["currency"], other]
        if dice.one_in(2):
            pair.reverse()
        rate = dice.of(["5", "0.5", "3", "1.0842", "7.10", "0.00652", "154.3"])
        request["company_rate"] = {"from": pair[0], "to": pair[1], "date": "2026-01-31", "rate": rate}
        if dice.one_in(3):
            request["company_rate"]["source"] = "ECB"
    if dice.one_in(4):
        increment = request.get("rounding", {}).get("increment", f"{10 ** -MINOR_UNITS[request['currency']]:.4f}")
        whole = Decimal(increment) * dice.of([5, 10, 25, 100, 1])
        request["cash_rounding"] = {"increment": format(whole, "f")}
        if dice.one_in(2):
            request["cash_rounding"]["mode"] = dice.of(ALL_MODES)
        if dice.one_in(2):
            request["cash_rounding"]["strategy"] = dice.of(["add_line", "biggest_tax"])


def spoil_taxes(dice: Dice, request: dict[str, Any]) -> None:
    """Puts a mistake into the taxes of a request, or gives it one."""
    lines, taxes = request["lines"], request.setdefault("taxes", [])
    match dice.below(10):
        case 8:
            discounts = [{}, {"percent": "1", "amount": "-1"}, {"percent": "101"}, {"on": "gross", "amount": "-0.01"}]
            request["document_discount"] = dict(dice.of(discounts))
        case 9:
            request["document_discount"], request["discount_percent"] = {"percent": "5"}, "5"
        case 0:
            dice.of(lines).setdefault("taxes", []).append(dice.of(["t99", "vat"]))
        case 1:
            one = dice.of(lines)
            one["tax_percent"], one["taxes"] = "5", one.get("taxes", [])
        case 2:
            taxes.append({"id": "t0", "amount": "1"})
        case 3:
            taxes.append({"id": "large", "kind": dice.of(["percent", "division"]), "amount": dice.of(["1001", "-1001"])})
        case 4:
            request.setdefault("tax_sets", []).append({"id": "other", "taxes": ["t99"]})
        case 5:
            pair = dice.of([("USD", "USD"), ("GBP", "SEK"), (request["currency"], "GBP")])
            rate = {"from": pair[0], "to": pair[1], "date": "2026-01-31", "rate": dice.of(["0", "-1"])}
            request["company_rate"] = rate
        case 6:
            request["cash_rounding"] = {"increment": dice.of(["0", "-0.05", "0.00007"])}
        case _:
            one = dice.of(lines)
            one.pop("tax_percent", None)
            one["taxes"] = [tax["id"] for tax in taxes[:1]] * 2


def spoil(dice: Dice, request: dict[str, Any]) -> None:
    """Puts mistakes into a request."""
    lines = request["lines"]
    for _ in range(1 + dice.below(3)):
        if dice.one_in(3):
            spoil_taxes(dice, request)
            continue
        match dice.below(6):
            case 0:
                dice.of(lines)["quantity"] = "-" + dice.of(["1", "0.001", "3.50"])
            case 1:
                dice.of(lines)["unit_price"] = "-0.01"
            case 2:
                dice.of(lines)["discount_percent"] = dice.of(["100.01", "-1", "101"])
            case 3:
                dice.of(lines)["tax_percent"] = dice.of(["1000.5", "-0.1"])
            case 4:
                request["discount_percent"] = "250"
            case _:
                lines.append(dict(dice.of(lines), id="1"))


def request(dice: Dice) -> dict[str, Any]:
    huge, wrong = dice.one_in(64), dice.one_in(16)
    size = dice.of([1, 1, 2, 3, 3, 5, 8, 10, 13, 20])
    out: dict[str, Any] = {"currency": dice.of(list(MINOR_UNITS)), "lines": [line(dice, huge) for _ in range(size)]}
    if dice.one_in(10):
        for index, one in enumerate(out["lines"]):
            one["id"] = f"line-{index}"
    if dice.one_in(2):
        out["discount_percent"] = dice.of(["3.5", "0", "10", "100", "0.01", "33.3333", dice.number(2, 8)])
    rounding: dict[str, Any] = {}
    if dice.one_in(2):
        rounding["tax"] = dice.of(["line", "document"])
    if dice.one_in(3):
        rounding["mode"] = dice.of(ALL_MODES)
    if dice.one_in(5):
        rounding["increment"] = dice.of(INCREMENTS)
    if rounding:
        out["rounding"] = rounding
    if dice.one_in(2):
        add_taxes(dice, out)
    if wrong:
        spoil(dice, out)
    envelope: dict[str, Any] = {"op": "quotes.price", "input": out}
    if dice.below(8):
        envelope["explain"] = "none"
    elif dice.one_in(2):
        envelope["explain"] = dice.of(["codes", "full"])
    return envelope


def requests(count: int, seed: int = 1) -> Iterator[str]:
    dice = Dice(seed)
    for _ in range(count):
        yield json.dumps(request(dice), ensure_ascii=dice.one_in(2), separators=dice.of([(",", ":"), (", ", ": ")]))


if __name__ == "__main__":
    count, path = int(sys.argv[1]), sys.argv[2]
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for text in requests(count, int(sys.argv[3]) if len(sys.argv) > 3 else 1):
            file.write(text + "\n")
