"""An independent model of `quotes.price`, in Python's `decimal`.

It is written from the documented convention alone, not from the engine's code, and in another way: the engine counts whole
increments in 128-bit integers, the model keeps amounts as decimals of 120 digits and shares as exact fractions. The rounding points:

1. list amount of a line: quantity x unit price;
2. net of a line: quantity x unit price x (100 - discount) / 100, from the exact product;
3. document discount: percent of the sum of the nets, shared by the lines in proportion to their nets (largest fraction first);
4. tax: percent of what is taxable, on each line, or once for each tax percent and then shared by its lines (largest fraction first).

Quotes with more than that are modelled in `tax_model.py`.
"""

from __future__ import annotations

import json
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    setcontext,
)
from fractions import Fraction
from typing import Any

from tax_model import TooMuch, is_taxed, price_taxed

# The digits after the point of the currencies that the generator uses (ISO 4217).
MINOR_UNITS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3, "CLF": 4, "CHF": 2}

MODES = {
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
    "toward_zero": ROUND_DOWN,
    "away_from_zero": ROUND_UP,
    "half_even": ROUND_HALF_EVEN,
    "half_away_from_zero": ROUND_HALF_UP,
    "half_toward_zero": ROUND_HALF_DOWN,
    # Python has no such names; on the numbers of a quote, none of which is below zero, they are these.
    "half_toward_positive_infinity": ROUND_HALF_UP,
    "half_toward_negative_infinity": ROUND_HALF_DOWN,
}

HUNDRED = Decimal(100)
ONE = Decimal(1)


def exact() -> None:
    """Gives this thread enough digits that no step of a quote is rounded but where the model says so."""
    setcontext(Context(prec=120, Emin=-1000, Emax=1000))


def whole(value: Decimal, mode: str) -> Decimal:
    """The whole number next to a value."""
    if mode == "half_odd":
        down = value.quantize(ONE, ROUND_FLOOR)
        rest = value - down
        odd = down % 2 == 1
        up = rest > Decimal("0.5") or (rest == Decimal("0.5") and not odd)
        return down + 1 if up else down
    return value.quantize(ONE, MODES[mode])


class Rounding:
    """Rounds to multiples of an increment."""

    def __init__(self, increment: Decimal, mode: str) -> None:
        self.increment, self.mode = increment, mode

    def __call__(self, value: Decimal) -> Decimal:
        # A quotient without end is cut at 120 digits, far behind the place where it could look like a whole or a half.
        return whole(value / self.increment, self.mode) * self.increment

    def share(self, amount: Decimal, weights: list[Decimal]) -> list[Decimal]:
        """Shares an amount: each part cut down, the increments left go to the largest cut-off fractions, ties in order."""
        if amount == 0:
            return [Decimal(0)] * len(weights)
        total = sum(map(Fraction, weights))
        units = Fraction(amount) / Fraction(self.increment)
        parts = [units * Fraction(weight) / total for weight in weights]
        floors = [part.numerator // part.denominator for part in parts]
        left = int(units - sum(floors))
        order = sorted(range(len(parts)), key=lambda i: (floors[i] - parts[i], i))
        for index in order[:left]:
            floors[index] += 1
        return [Decimal(floor) * self.increment for floor in floors]


def plain(value: Decimal) -> str:
    """A number without trailing zeros after the point and without an exponent."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def echoed(text: str | int) -> str:
    """A given number as it comes back: without needless leading zeros, with its trailing ones."""
    value = Decimal(text)
    return format(abs(value) if value == 0 else value, "f")


def price(request: dict[str, Any]) -> dict[str, Any]:
    """The priced quote as the engine's answer holds it, for a valid request."""
    exact()
    if is_taxed(request):
        return price_taxed(request, MINOR_UNITS)
    rounding = request.get("rounding") or {}
    place, mode = rounding.get("tax", "line"), rounding.get("mode", "half_away_from_zero")
    increment = rounding.get("increment")
    if increment is None:
        increment = str(ONE.scaleb(-MINOR_UNITS[request["currency"]]))
    step = Decimal(increment)
    digits = ONE.scaleb(step.as_tuple().exponent)  # type: ignore[arg-type]
    rounded = Rounding(step, mode)

    def written(value: Decimal) -> str:
        return format(value.quantize(digits), "f")

    given = request["lines"]
    amounts, nets = [], []
    for line in given:
        product = Decimal(line["quantity"]) * Decimal(line["unit_price"])
        discount = Decimal(line.get("discount_percent") or 0)
        amounts.append(rounded(product))
        nets.append(rounded(product * (HUNDRED - discount) / HUNDRED))

    net = sum(nets, Decimal(0))
    document = rounded(net * Decimal(request.get("discount_percent") or 0) / HUNDRED)
    shares = rounded.share(document, nets)
    taxables = [a - b for a, b in zip(nets, shares)]

    percents = sorted({Decimal(line["tax_percent"]) for line in given if line.get("tax_percent") is not None})
    taxes = [Decimal(0)] * len(given)
    groups = []
    for percent in percents:
        members = [
            i for i, line in enumerate(given)
            if line.get("tax_percent") is not None and Decimal(line["tax_percent"]) == percent
        ]
        bases = [taxables[i] for i in members]
        base = sum(bases, Decimal(0))
        if place == "line":
            parts = [rounded(one * percent / HUNDRED) for one in bases]
        else:
            parts = rounded.share(rounded(base * percent / HUNDRED), bases)
        for index, part in zip(members, parts):
            taxes[index] = part
        tax = sum(parts, Decimal(0))
        groups.append({"tax_percent": plain(percent), "base": written(base), "tax": written(tax)})

    lines = [
        {
            "id": line.get("id") or str(index + 1),
            "quantity": echoed(line["quantity"]),
            "unit_price": echoed(line["unit_price"]),
            "amount": written(amounts[index]),
            "discount": written(amounts[index] - nets[index]),
            "net": written(nets[index]),
            "document_discount": written(shares[index]),
            "taxable": written(taxables[index]),
            "tax": written(taxes[index]),
            "total": written(taxables[index] + taxes[index]),
        }
        for index, line in enumerate(given)
    ]
    amount, taxable, tax = sum(amounts, Decimal(0)), sum(taxables, Decimal(0)), sum(taxes, Decimal(0))
    taken = None
    if amount != 0:
        ratio = Fraction(amount - taxable) / Fraction(amount) * 100
        # Half away from zero at four digits: the discount is never negative.
        units = (ratio * 10_000 + Fraction(1, 2)).__floor__()
        taken = format(Decimal(units).scaleb(-4), "f")
    return {
        "currency": request["currency"],
        "lines": lines,
        "amount": written(amount),
        "line_discount": written(amount - net),
        "net": written(net),
        "document_discount": written(document),
        "taxable": written(taxable),
        "tax": written(tax),
        "tax_groups": groups,
        "discount_percent_true": taken,
        "total": written(taxable + tax),
        "rounding": {"tax": place, "mode": mode, "increment": increment},
        "semantics": 1,
    }


def mistakes(request: dict[str, Any]) -> list[tuple[str, str]]:
    """The codes and paths of everything that is wrong with a request whose shape is right."""
    exact()
    found: list[tuple[str, str]] = []

    def percent(value: Any, highest: int, path: str, lowest: int = 0) -> None:
        if value is not None and not lowest <= Decimal(value) <= highest:
            found.append(("percent_out_of_range", path))

    increment = (request.get("rounding") or {}).get("increment")
    if increment is not None and Decimal(increment) <= 0:
        found.append(("invalid_increment", "rounding.increment"))
    if not request["lines"]:
        found.append(("quote_without_lines", "lines"))
    percent(request.get("discount_percent"), 100, "discount_percent")
    for index, line in enumerate(request["lines"]):
        for field in ("quantity", "unit_price"):
            if Decimal(line[field]) < 0 and not request.get("allow_negative"):
                found.append(("negative_number", f"lines[{index}].{field}"))
        percent(line.get("discount_percent"), 100, f"lines[{index}].discount_percent")
        percent(line.get("tax_percent"), 1000, f"lines[{index}].tax_percent")
    ids = [line.get("id") or str(index + 1) for index, line in enumerate(request["lines"])]
    found += [("duplicate_id", f"lines[{i}].id") for i, one in enumerate(ids) if one in ids[:i]]
    return sorted(found + mistakes_of_taxes(request, percent))


def mistakes_of_taxes(request: dict[str, Any], percent: Any) -> list[tuple[str, str]]:
    """The same of taxes, company rate and cash rounding; what `percent` finds it notes itself."""
    found: list[tuple[str, str]] = []
    members: dict[str, list[str]] = {}
    for at, tax in enumerate(request.get("taxes") or []):
        if tax.get("kind") != "fixed":
            is_division = tax.get("kind") == "division"
            percent(tax["amount"], 100 if is_division else 1000, f"taxes[{at}].amount", -1000 if is_division else -100)
        if tax["id"] in members:
            found.append(("duplicate_id", f"taxes[{at}].id"))
        members[tax["id"]] = [tax["id"]]
    for at, one in enumerate(request.get("tax_sets") or []):
        missing = [k for k, name in enumerate(one["taxes"]) if name not in members or members[name] != [name]]
        found += [("unknown_tax", f"tax_sets[{at}].taxes[{k}]") for k in missing]
        if one["id"] in members:
            found.append(("duplicate_id", f"tax_sets[{at}].id"))
            continue
        members[one["id"]] = [name for k, name in enumerate(one["taxes"]) if k not in missing]
    for at, line in enumerate(request["lines"]):
        if line.get("taxes") is None:
            continue
        if line.get("tax_percent") is not None:
            found.append(("conflicting_fields", f"lines[{at}].tax_percent"))
        seen: set[str] = set()
        for k, name in enumerate(line["taxes"]):
            if name not in members:
                found.append(("unknown_tax", f"lines[{at}].taxes[{k}]"))
            if seen & set(members.get(name, [])):
                found.append(("duplicate_id", f"lines[{at}].taxes[{k}]"))
            seen |= set(members.get(name, []))
    if (discount := request.get("document_discount")) is not None:
        if discount.get("percent") is not None and discount.get("amount") is not None:
            found.append(("conflicting_fields", "document_discount.percent"))
        elif discount.get("percent") is None and discount.get("amount") is None:
            found.append(("missing_field", "document_discount"))
        percent(discount.get("percent"), 100, "document_discount.percent")
        if Decimal(discount.get("amount") or 0) < 0:
            found.append(("negative_number", "document_discount.amount"))
        if request.get("discount_percent") is not None:
            found.append(("conflicting_fields", "discount_percent"))
    if rate := request.get("company_rate"):
        if Decimal(rate["rate"]) <= 0:
            found.append(("invalid_rate", "company_rate.rate"))
        if rate["from"] == rate["to"]:
            found.append(("rate_to_itself", "company_rate.to"))
        elif request["currency"] not in (rate["from"], rate["to"]):
            found.append(("rate_of_other_currencies", "company_rate"))
    if cash := request.get("cash_rounding"):
        given = (request.get("rounding") or {}).get("increment")
        increment = Decimal(given) if given is not None else ONE.scaleb(-MINOR_UNITS[request["currency"]])
        if Decimal(cash["increment"]) <= 0:
            found.append(("invalid_increment", "cash_rounding.increment"))
        elif increment > 0 and Decimal(cash["increment"]) % increment != 0:
            found.append(("amount_not_multiple", "cash_rounding.increment"))
    return found


def leaves_no_base(error: dict[str, Any]) -> bool:
    """Whether a refusal is about taxes that take the whole price, which the generator does not avoid, or numbers too large beside them."""
    codes = {one["code"] for one in error["details"].get("violations", [error])}
    return "taxes_leave_no_base" in codes and codes <= {"taxes_leave_no_base", "decimal_overflow"}


def disagreement(request: str, answer: str) -> str | None:
    """What an answer to a valid, a mistaken or a much too large request has wrong; nothing when it is right."""
    envelope, said = json.loads(request), json.loads(answer)
    wrong = mistakes(envelope["input"])
    if wrong:
        error = said.get("error", {})
        several = error.get("details", {}).get("violations")
        seen = sorted((one["code"], one["path"]) for one in several or [error])
        return None if seen == wrong else f"the mistakes are {wrong}, the answer says {seen}"
    if not said["ok"] and leaves_no_base(said["error"]):
        return None if may_leave_no_base(envelope["input"]) else "these taxes leave a base"
    if not said["ok"] and is_overflow(said["error"]):
        return None if is_enormous(envelope["input"]) else "nothing in this quote is too large"
    try:
        value = price(envelope["input"])
    except TooMuch:
        return None if said.get("error", {}).get("code") == "discount_exceeds_total" else "the discount is too large"
    reasons = said.pop("reasons", None)
    if (reasons is None) != (envelope.get("explain") == "none"):
        return "reasons stand where none were asked for, or are missing"
    expected: dict[str, Any] = {"ok": True, "value": value}
    if said != expected:
        return f"expected {json.dumps(expected)}"
    if reasons is None and answer != json.dumps(expected, ensure_ascii=False, separators=(",", ":")):
        return "the values agree, the spelling does not"
    return None


def may_leave_no_base(request: dict[str, Any]) -> bool:
    """Whether divisions reach 100 % together, or included percents -100 %."""
    taxes = request.get("taxes") or []
    divisions = sum(Decimal(tax["amount"]) for tax in taxes if tax.get("kind") == "division")
    percents = sum(min(Decimal(0), Decimal(tax["amount"])) for tax in taxes if tax.get("kind", "percent") == "percent")
    return divisions >= 100 or percents <= -100


def is_overflow(error: dict[str, Any]) -> bool:
    """Whether a refusal says that numbers are too large, and nothing else."""
    codes = {one["code"] for one in error["details"].get("violations", [error])}
    return codes == {"decimal_overflow"}


def is_enormous(request: dict[str, Any]) -> bool:
    """Whether a step of the quote may need more digits than the engine has: a quote of usual size never does."""
    exact()
    for line in request["lines"]:
        quantity, price = Decimal(line["quantity"]).normalize(), Decimal(line["unit_price"]).normalize()
        places = -min(0, quantity.as_tuple().exponent) - min(0, price.as_tuple().exponent)  # type: ignore[operator]
        if abs(quantity * price) >= Decimal(10) ** 15 or places > 20:
            return True
    return False
