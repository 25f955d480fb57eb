"""Turns worked cases of other systems into `quotes.price` requests, and compares the answers with what the cases expect.

`python cases.py requests FOLDER REQUESTS` writes a request a line, `python cases.py check FOLDER ANSWERS` reads an answer a line in the
same order. Every family that is known here and has a file in the folder is taken; a case with a field that is not understood fails.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

Case = dict[str, Any]
Request = dict[str, Any]

# An increment so fine that nothing the cases can tell apart is rounded.
UNROUNDED = "0.000000000001"
METHODS = {"round_per_line": "line", "round_globally": "global"}


class NotUnderstood(Exception):
    """A case has something that this adapter does not know."""


def fields(given: dict[str, Any], *known: str) -> None:
    if unknown := set(given) - set(known):
        raise NotUnderstood(f"the fields {sorted(unknown)}")


class Taxes:
    """The taxes of a document: the same tax on several lines is defined once, and twice when it stands twice on a line."""

    def __init__(self) -> None:
        self.definitions: list[dict[str, Any]] = []
        self.ids: dict[str, str] = {}

    def of_line(self, taxes: list[dict[str, Any]]) -> list[str]:
        seen: list[str] = []
        for tax in taxes:
            fields(
                tax, "kind", "amount", "price_included", "affects_base_of_next", "base_affected_by_previous",
                "reverse_charge", "group",
            )
            text = json.dumps(tax, sort_keys=True)
            key = f"{seen.count(text)}{text}"
            seen.append(text)
            if key not in self.ids:
                self.ids[key] = f"t{len(self.ids) + 1}"
                self.definitions.append({"id": self.ids[key], **tax})
        return [self.ids[f"{seen[:at].count(text)}{text}"] for at, text in enumerate(seen)]


def tax_line(given: dict[str, Any]) -> Request:
    fields(given, "price_unit", "quantity", "currency_rounding", "rounding_mode", "rounding_method", "taxes")
    is_exact = given["rounding_method"] == "round_globally"
    taxes = Taxes()
    line = {"quantity": given.get("quantity", "1"), "unit_price": given["price_unit"], "taxes": taxes.of_line(given["taxes"])}
    increment = UNROUNDED if is_exact else given.get("currency_rounding", "0.01")
    mode = given.get("rounding_mode", "half_away_from_zero")
    return {
        "currency": "USD",
        "allow_negative": True,
        "rounding": {"tax": "line", "mode": mode, "increment": increment},
        "taxes": taxes.definitions,
        "lines": [line],
    }


def tax_line_check(given: dict[str, Any], expect: dict[str, Any], value: dict[str, Any]) -> Iterator[str]:
    fields(expect, "total_excluded", "total_included", "taxes")
    tolerance = "0.000001" if given["rounding_method"] == "round_globally" else "0"
    for name, field in (("total_excluded", "taxable"), ("total_included", "total")):
        if name in expect:
            yield from near(name, expect[name], value[field], tolerance)
    if "taxes" in expect:
        found = value["lines"][0]["taxes"]
        if len(found) != len(expect["taxes"]):
            yield f"{len(expect['taxes'])} taxes expected, {len(found)} found"
        for at, (one, other) in enumerate(zip(expect["taxes"], found)):
            fields(one, "base", "amount")
            for name in one:
                yield from near(f"taxes[{at}].{name}", one[name], other[name], tolerance)


def document(given: dict[str, Any]) -> Request:
    """What documents of several lines have in common."""
    taxes = Taxes()
    lines = []
    for line in given["lines"]:
        fields(line, "price_unit", "quantity", "discount_percent", "taxes")
        out = {"quantity": line.get("quantity", "1"), "unit_price": line["price_unit"]}
        if "discount_percent" in line:
            out["discount_percent"] = line["discount_percent"]
        lines.append({**out, "taxes": taxes.of_line(line["taxes"])})
    method = METHODS[given.get("rounding_method", "round_per_line")]
    rounding = {"tax": method, "mode": given.get("rounding_mode", "half_away_from_zero")}
    if "currency_rounding" in given:
        rounding["increment"] = given["currency_rounding"]
    return {"currency": "USD", "allow_negative": True, "rounding": rounding, "taxes": taxes.definitions, "lines": lines}


def company_rate(rate: str) -> dict[str, str]:
    """A company whose currency is worth `rate` units of the document's: its amounts are those of the document divided by it."""
    return {"from": "EUR", "to": "USD", "date": "2026-01-01", "rate": rate}


# The ways in which cash is rounded, as other systems name them.
CASH_MODES = {"HALF-UP": "half_away_from_zero", "UP": "away_from_zero", "DOWN": "toward_zero"}
CASH_STRATEGIES = {"add_invoice_line": "add_line"}


def tax_document(given: dict[str, Any]) -> Request:
    fields(
        given, "rounding_method", "rounding_mode", "currency_rounding", "lines", "company_currency_conversion",
        "cash_rounding",
    )
    request = document(given)
    groups = sorted({tax["group"] for tax in request["taxes"] if "group" in tax})
    # The group `0` stands before any other subtotal, each of the others under one of its own.
    request["tax_groups"] = [{"id": group} if group == "0" else {"id": group, "subtotal": group} for group in groups]
    if conversion := given.get("company_currency_conversion"):
        fields(conversion, "rate", "rule")
        request["company_rate"] = company_rate(conversion["rate"])
    if cash := given.get("cash_rounding"):
        fields(cash, "increment", "rounding", "precision", "mode", "rounding_mode", "method", "rounding_method", "strategy")
        first = lambda *names: next((cash[name] for name in names if name in cash), None)  # noqa: E731
        mode = first("mode", "rounding_mode", "rounding_method", "method") or "half_away_from_zero"
        strategy = cash.get("strategy", "add_line")
        request["cash_rounding"] = {
            "increment": first("increment", "rounding", "precision"),
            "mode": CASH_MODES.get(mode, mode),
            "strategy": CASH_STRATEGIES.get(strategy, strategy),
        }
    return request


def groups_check(name: str, expect: list[Any], found: list[dict[str, Any]]) -> Iterator[str]:
    """Groups by name where they have one, by place otherwise."""
    if len(expect) != len(found):
        yield f"{name}: {len(expect)} expected, {len(found)} found"
    by_name = {one["group"]: one for one in found}
    for at, one in enumerate(expect):
        if isinstance(one, list):
            one = dict(zip(("base", "tax"), one))
        fields(one, "group", "base", "tax")
        other = by_name.get(one["group"]) if "group" in one else found[at] if at < len(found) else None
        if other is None:
            yield f"{name}[{at}] is missing"
            continue
        for field in ("base", "tax"):
            if field in one:
                yield from near(f"{name}[{at}].{field}", one[field], other[field])


def totals_check(expect: dict[str, Any], value: dict[str, Any], where: str = "") -> Iterator[str]:
    cash = value.get("cash_rounding")
    amount = cash["amount"] if isinstance(cash, dict) else cash
    names = {"untaxed": "taxable", "tax": "tax", "total": "total"}
    for name, expected in expect.items():
        if name in names:
            yield from near(where + name, expected, value[names[name]])
        elif name == "tax_groups":
            yield from groups_check(where + name, expected, value["tax_details"]["groups"])
        elif name == "subtotals":
            found = value["tax_details"]["subtotals"]
            if len(found) != len(expected):
                yield f"{where}{name}: {len(expected)} expected, {len(found)} found"
            for at, (one, other) in enumerate(zip(expected, found)):
                fields(one, "label", "base", "tax")
                if other["label"] not in (None, one["label"]):
                    yield f"{where}{name}[{at}]: `{one['label']}` expected, `{other['label']}` found"
                for field in ("base", "tax"):
                    if field in one:
                        yield from near(f"{where}{name}[{at}].{field}", one[field], other[field])
        elif name.startswith("cash_rounding") or name == "rounding_adjustment":
            yield from near(where + name, expected or "0", amount or "0")
        elif name in ("company_currency", "company"):
            yield from totals_check(expected, value["company"], f"{name}.")
        else:
            raise NotUnderstood(f"the expectation `{where}{name}`")


def tax_document_check(given: dict[str, Any], expect: dict[str, Any], value: dict[str, Any]) -> Iterator[str]:
    yield from totals_check(expect, value)


def global_discount(given: dict[str, Any]) -> Request:
    fields(given, "rounding_method", "rounding_mode", "currency_rounding", "lines", "company_rate", "discount_percent", "discount_amount")
    request = document(given)
    if "discount_amount" in given:
        request["document_discount"] = {"on": "gross", "amount": given["discount_amount"]}
    else:
        request["document_discount"] = {"on": "gross", "percent": given["discount_percent"]}
    if "company_rate" in given:
        request["company_rate"] = company_rate(given["company_rate"])
    return request


def near(name: str, expected: str, found: str, tolerance: str = "0") -> Iterator[str]:
    if abs(Decimal(str(expected)) - Decimal(found)) > Decimal(tolerance):
        yield f"{name}: {expected} expected, {found} found"


FAMILIES: dict[str, tuple[Callable[[dict[str, Any]], Request], Callable[..., Iterator[str]]]] = {
    "tax_line_computation": (tax_line, tax_line_check),
    "tax_document_totals": (tax_document, tax_document_check),
    "global_discount": (global_discount, tax_document_check),
}


def cases(folder: Path) -> Iterator[tuple[str, Case]]:
    for family in FAMILIES:
        path = folder / f"{family}.json"
        if path.exists():
            file = json.loads(path.read_text(encoding="utf-8"))
            if len(file["cases"]) != file["case_count"]:
                raise SystemExit(f"`{path}` says {file['case_count']} cases and holds {len(file['cases'])}")
            yield from ((family, case) for case in file["cases"])


def requests(folder: Path, path: Path) -> int:
    lines, failed = [], 0
    for family, case in cases(folder):
        try:
            request = FAMILIES[family][0](case["given"])
        except NotUnderstood as error:
            print(f"{case['name']}: this adapter does not understand {error}", file=sys.stderr)
            # A request that is refused, so that the check counts the case.
            request, failed = {"currency": "USD", "lines": []}, failed + 1
        lines.append(json.dumps({"op": "quotes.price", "explain": "none", "input": request}, separators=(",", ":")))
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")
    return 1 if failed else 0


def check(folder: Path, path: Path) -> int:
    answers = path.read_text(encoding="utf-8").splitlines()
    failed: dict[str, int] = {}
    count: dict[str, int] = {}
    for (family, case), text in zip(cases(folder), answers, strict=True):
        answer, given, expect = json.loads(text), case["given"], case["expect"]
        if "error" in expect:
            wrong = ["the input must be refused"] if answer["ok"] else []
        elif not answer["ok"]:
            wrong = [f"refused: {answer['error']['message']}"]
        else:
            try:
                wrong = list(FAMILIES[family][1](given, expect, answer["value"]))
            except NotUnderstood as error:
                wrong = [f"this adapter does not understand {error}"]
        count[family] = count.get(family, 0) + 1
        failed[family] = failed.get(family, 0) + bool(wrong)
        for message in wrong:
            print(f"{case['name']}: {message}", file=sys.stderr)
    for family, number in count.items():
        print(f"{family}: {number - failed[family]} of {number} cases agree")
    return 1 if sum(failed.values()) or not count else 0


if __name__ == "__main__":
    command = {"requests": requests, "check": check}[sys.argv[1]]
    sys.exit(command(Path(sys.argv[2]), Path(sys.argv[3])))
