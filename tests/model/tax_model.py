"""An independent model of quotes with taxes of their own kinds, a company currency or cash rounding.

Written from the documented convention alone (`docs/guides/taxes.md`), and in another way than the engine: every amount is an exact
fraction, so nothing is rounded but where the convention says so; the engine keeps fifteen digits below the increment between its
rounding points.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

HALF = Fraction(1, 2)


class TooMuch(Exception):
    """A discount is more than what it is taken off."""


def whole(value: Fraction, mode: str) -> int:
    """The whole number next to a value, on both sides of zero."""
    down = value.numerator // value.denominator
    rest = value - down
    if rest == 0:
        return down
    toward_zero = down + 1 if value < 0 else down
    away = down if value < 0 else down + 1
    match mode:
        case "floor":
            return down
        case "ceiling":
            return down + 1
        case "toward_zero":
            return toward_zero
        case "away_from_zero":
            return away
    if rest != HALF:
        return down if rest < HALF else down + 1
    ties = {
        "half_even": down + down % 2,
        "half_odd": down + 1 - down % 2,
        "half_away_from_zero": away,
        "half_toward_zero": toward_zero,
        "half_toward_positive_infinity": down + 1,
        "half_toward_negative_infinity": down,
    }
    return ties[mode]


@dataclass(frozen=True)
class Money:
    """A currency's increment with a mode; amounts of it are whole numbers of increments."""

    increment: str
    mode: str

    def exact(self, amount: Fraction) -> Fraction:
        return amount / Fraction(self.increment)

    def written(self, units: int) -> str:
        step = Decimal(self.increment)
        digits = Decimal(1).scaleb(step.as_tuple().exponent)  # type: ignore[arg-type]
        value = (Decimal(units) * step).quantize(digits)
        return format(abs(value) if value == 0 else value, "f")

    def round(self, units: Fraction) -> int:
        return whole(units, self.mode)


@dataclass(frozen=True)
class Rule:
    """One tax."""

    id: str
    kind: str
    amount: Fraction
    included: bool
    affects: bool
    affected: bool
    reverse: bool
    group: str


def plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def rules_of(request: dict[str, Any]) -> tuple[list[Rule], list[str], list[list[int]]]:
    """All taxes, the percents that stand last among them, and the taxes of each line."""
    default = request.get("prices_include_tax", False)
    rules = []
    for tax in request.get("taxes") or []:
        included = tax.get("price_included")
        affected = tax.get("base_affected_by_previous")
        rules.append(
            Rule(
                tax["id"],
                tax.get("kind", "percent"),
                Fraction(tax["amount"]),
                default if included is None else included,
                tax.get("affects_base_of_next", False),
                True if affected is None else affected,
                tax.get("reverse_charge", False),
                tax.get("group") or tax["id"],
            )
        )
    names = {rule.id: [place] for place, rule in enumerate(rules)}
    for one in request.get("tax_sets") or []:
        names[one["id"]] = [place for name in one["taxes"] for place in names[name]]
    given = [line.get("tax_percent") for line in request["lines"]]
    percents = sorted({Decimal(percent) for percent in given if percent is not None})
    first = len(rules)
    for percent in percents:
        name = plain(percent) + "%"
        rules.append(Rule(name, "percent", Fraction(percent), False, False, True, False, name))
    of_lines = []
    for line in request["lines"]:
        if line.get("taxes") is not None:
            of_lines.append([place for name in line["taxes"] for place in names[name]])
        elif line.get("tax_percent") is not None:
            of_lines.append([first + percents.index(Decimal(line["tax_percent"]))])
        else:
            of_lines.append([])
    return rules, [plain(percent) for percent in percents], of_lines


def batches(rules: Sequence[Rule]) -> list[list[int]]:
    """Neighbours that are found together, first to last."""
    found: list[list[int]] = []
    for place in reversed(range(len(rules))):
        one = rules[place]
        if found:
            last, following = rules[found[0][-1]], rules[place + 1]
            alike = (one.kind, one.included, one.affects) == (last.kind, last.included, last.affects)
            if alike and not (one.affects and following.affected):
                found[0].insert(0, place)
                continue
        found.insert(0, [place])
    return found


def line_taxes(
    rules: Sequence[Rule], price: Fraction, count: Fraction, rounded: Callable[[Fraction], Fraction]
) -> list[tuple[Fraction, Fraction]]:
    """Base and amount of every tax of a line; `count` is the quantity with the sign of the price."""
    together = {place: batch for batch in batches(rules) for place in batch}
    amounts: dict[int, Fraction] = {}
    # What each tax found so far does to the base of another one, and whether it was found before that one.
    effects: list[tuple[int, int, Fraction]] = []

    def base(place: int) -> Fraction:
        return price + sum((amount for _, to, amount in effects if to == place), Fraction(0))

    def find(place: int, amount: Fraction) -> None:
        rule, batch = rules[place], together[place]
        amounts[place] = rounded(amount)
        for other, their in enumerate(rules):
            if other in batch:
                continue
            counts = other > batch[-1] and rule.affects and their.affected
            if rule.included and not counts:
                effects.append((place, other, -amounts[place]))
            elif counts and not rule.included:
                effects.append((place, other, amounts[place]))

    def part(place: int) -> Fraction:
        rule = rules[place]
        percent = rule.amount / 100
        percents = sum((rules[other].amount for other in together[place]), Fraction(0)) / 100
        if rule.kind == "percent":
            return base(place) * percent / (1 + percents if rule.included else 1)
        return base(place) * percent / (1 if rule.included or percents == 1 else 1 - percents)

    places = range(len(rules))
    for place in reversed(places):
        if rules[place].kind == "fixed":
            find(place, rules[place].amount * count)
    for place in reversed(places):
        if rules[place].included and place not in amounts:
            find(place, part(place))
    for place in places:
        if place not in amounts:
            find(place, part(place))
    out = []
    for place in places:
        own = sum((amounts[other] for other in together[place]), Fraction(0)) if rules[place].included else Fraction(0)
        out.append((base(place) - own, amounts[place]))
    return out


def shared(units: int, weights: Sequence[Fraction]) -> list[int]:
    """Largest fraction first, ties in order."""
    total = sum(weights, Fraction(0))
    if units == 0 or total == 0:
        return [0] * len(weights)
    parts = [units * weight / total for weight in weights]
    floors = [part.numerator // part.denominator for part in parts]
    order = sorted(range(len(parts)), key=lambda place: (floors[place] - parts[place], place))
    for place in order[: units - sum(floors)]:
        floors[place] += 1
    return floors


def spread(units: int, sizes: Sequence[Fraction]) -> list[int]:
    """A few units over amounts, most to the largest."""
    out = [0] * len(sizes)
    if units == 0 or not sizes:
        return out
    weights = [abs(size) for size in sizes]
    total = sum(weights, Fraction(0))
    order = sorted(range(len(sizes)), key=lambda place: -weights[place])
    left, step = abs(units), 1 if units > 0 else -1
    for place in order:
        part = weights[place] * abs(units) / total if total else Fraction(abs(units), len(sizes))
        taken = min(whole(part, "half_even"), left)
        out[place] += step * taken
        left -= taken
    for place in order[:left]:
        out[place] += step
    return out


@dataclass
class Found:
    """Prices, nets and taxes in one currency: exact units, or whole ones once settled."""

    prices: list[Fraction]
    nets: list[Fraction]
    rows: list[list[tuple[int, Fraction, Fraction]]]


def settle(found: Found, rules: Sequence[Rule], place: str, money: Money) -> Found:
    """The rounded document."""
    if place == "line":
        return found
    rows = [list(row) for row in found.rows]
    for tax, rule in enumerate(rules):
        at = [(line, k) for line, row in enumerate(found.rows) for k, one in enumerate(row) if one[0] == tax]
        bases = [found.rows[line][k][1] for line, k in at]
        amounts = [found.rows[line][k][2] for line, k in at]
        base, amount = sum(bases, Fraction(0)), sum(amounts, Fraction(0))
        total = money.round(amount)
        of_base = money.round(base + amount) - total if rule.included else money.round(base)
        if place == "document":
            # Shares go by the amounts as they are kept, with fifteen digits, which may decide between equal fractions.
            kept = [Fraction(whole(one * 10**15, "half_away_from_zero"), 10**15) for one in amounts]
            parts = shared(total, kept)
        else:
            parts = rounded_to(total, amounts, money)
        for (line, k), one, two in zip(at, rounded_to(of_base, bases, money), parts):
            rows[line][k] = (tax, Fraction(one), Fraction(two))

    def taken(row: list[tuple[int, Fraction, Fraction]], which: Callable[[Rule], bool]) -> Fraction:
        return sum((amount for tax, _, amount in row if which(rules[tax])), Fraction(0))

    if place == "document":
        nets = [price - taken(row, lambda rule: rule.included) for price, row in zip(found.prices, rows)]
    elif all(amount == 0 or rules[tax].included for row in rows for tax, _, amount in row):
        totals = [net + taken(row, lambda rule: not rule.reverse) for net, row in zip(found.nets, found.rows)]
        gross = rounded_to(money.round(sum(totals, Fraction(0))), totals, money)
        nets = [one - taken(row, lambda rule: not rule.reverse) for one, row in zip(gross, rows)]
    else:
        nets = [Fraction(one) for one in rounded_to(money.round(sum(found.nets, Fraction(0))), found.nets, money)]
    prices = [net + taken(row, lambda rule: rule.included) for net, row in zip(nets, rows)]
    return Found(prices, nets, rows)


def rounded_to(total: int, exact: Sequence[Fraction], money: Money) -> list[int]:
    own = [money.round(one) for one in exact]
    return [one + more for one, more in zip(own, spread(total - sum(own), exact))]


@dataclass
class Totals:
    """A document summed up in whole units."""

    net: int
    tax: int
    taxes: dict[int, tuple[int, int]]
    groups: dict[str, list[int]]
    subtotals: dict[str | None, list[int]]


def totals(found: Found, rules: Sequence[Rule], request: dict[str, Any]) -> Totals:
    named = request.get("tax_groups") or []
    labels = {group["id"]: group.get("subtotal") for group in named}
    order = list(dict.fromkeys([group["id"] for group in named] + [rule.group for rule in rules]))
    out = Totals(int(sum(found.nets)), 0, {}, {}, {})
    groups: dict[str, list[int]] = {}
    subtotals: dict[str | None, list[int]] = {}
    for net, row in zip(found.nets, found.rows):
        if not row:
            subtotals.setdefault(None, [0, 0])[0] += int(net)
        seen: set[tuple[str, str | None]] = set()
        for tax, base, amount in row:
            rule = rules[tax]
            paid = 0 if rule.reverse else int(amount)
            before = out.taxes.get(tax, (0, 0))
            out.taxes[tax] = (before[0] + int(base), before[1] + int(amount))
            label = labels.get(rule.group)
            for kind, key, table in (("group", rule.group, groups), ("under", label, subtotals)):
                entry = table.setdefault(key, [0, 0])  # type: ignore[attr-defined]
                entry[0] += int(base) if (kind, key) not in seen else 0
                entry[1] += paid
                seen.add((kind, key))
            out.tax += paid
    out.groups = {key: groups[key] for key in order if key in groups}
    ordered = list(dict.fromkeys([None, *(labels.get(key) for key in order)]))
    out.subtotals = {key: subtotals[key] for key in ordered if key in subtotals}
    return out


def details(sums: Totals, rules: Sequence[Rule], money: Money) -> dict[str, Any]:
    taxes = []
    for tax in sorted(sums.taxes):
        base, amount = sums.taxes[tax]
        rule = rules[tax]
        for side, is_reverse in ((amount, False), (-amount, True)):
            if not is_reverse or rule.reverse:
                taxes.append(
                    {
                        "tax": rule.id,
                        "price_included": rule.included,
                        "base": money.written(base),
                        "amount": money.written(side),
                        "reverse_charge": is_reverse,
                    }
                )
    return {
        "taxes": taxes,
        "groups": [
            {"group": key, "base": money.written(base), "tax": money.written(tax)}
            for key, (base, tax) in sums.groups.items()
        ],
        "subtotals": [
            {"label": key, "base": money.written(base), "tax": money.written(tax)}
            for key, (base, tax) in sums.subtotals.items()
        ],
    }


@dataclass
class Discount:
    """A discount on the total: what it takes in all, and of each amount."""

    taken: int
    part: Fraction


def total_of(found: Found, rules: Sequence[Rule]) -> int:
    paid = sum((amount for row in found.rows for tax, _, amount in row if not rules[tax].reverse), Fraction(0))
    return int(sum(found.nets, Fraction(0)) + paid)


def dispensed(units: int, weights: Sequence[Fraction]) -> list[int]:
    return shared(units, weights) if sum(weights, Fraction(0)) else spread(units, weights)


def discounted(
    settled: Found, without: Found, rules: Sequence[Rule], of_lines: list[list[int]], discount: Discount, money: Money
) -> tuple[Found, list[int]]:
    """A document less its discount on the total, and what the price of each line gives."""
    left = discount.taken
    of_amount: dict[tuple[int, int], int] = {}
    of_base: dict[tuple[int, int], int] = {}
    for tax, rule in enumerate(rules):
        at = [(line, k) for line, row in enumerate(without.rows) for k, one in enumerate(row) if one[0] == tax]
        amounts = [without.rows[line][k][2] for line, k in at]
        extras = [without.rows[line][k][1] - without.nets[line] for line, k in at]
        amount = money.round(discount.part * sum(amounts, Fraction(0)))
        extra = money.round(discount.part * sum(extras, Fraction(0)))
        left -= 0 if rule.reverse else amount
        for (line, _), one, two in zip(at, dispensed(amount, amounts), dispensed(extra, extras)):
            of_amount[line, tax], of_base[line, tax] = one, two
    of_net = dispensed(left, without.nets)
    rows = [
        [
            (tax, base - of_net[line] - of_base.get((line, tax), 0), amount - of_amount.get((line, tax), 0))
            for tax, base, amount in row
        ]
        for line, row in enumerate(settled.rows)
    ]
    given = [
        of_net[line] + sum(of_amount.get((line, tax), 0) for tax in taxes if rules[tax].included)
        for line, taxes in enumerate(of_lines)
    ]
    nets = [net - part for net, part in zip(settled.nets, of_net)]
    prices = [price - part for price, part in zip(settled.prices, given)]
    return Found(prices, nets, rows), given


def is_taxed(request: dict[str, Any]) -> bool:
    return (
        (request.get("rounding") or {}).get("tax") == "global"
        or bool(request.get("allow_negative"))
        or request.get("company_rate") is not None
        or request.get("cash_rounding") is not None
        or request.get("document_discount") is not None
        or any(line.get("taxes") is not None for line in request["lines"])
    )


def price_taxed(request: dict[str, Any], minor_units: dict[str, int]) -> dict[str, Any]:
    """The priced quote as the engine's answer holds it, for a valid request."""
    rounding = request.get("rounding") or {}
    place, mode = rounding.get("tax", "line"), rounding.get("mode", "half_away_from_zero")

    def minor(currency: str) -> str:
        return str(Decimal(1).scaleb(-minor_units[currency]))

    money = Money(rounding.get("increment") or minor(request["currency"]), mode)
    rules, percents, of_lines = rules_of(request)
    given = request["lines"]

    def at_once(units: Fraction) -> Fraction:
        return Fraction(money.round(units)) if place == "line" else units

    lists, nets = [], []
    for line in given:
        exact = money.exact(Fraction(line["quantity"]) * Fraction(line["unit_price"]))
        kept = 1 - Fraction(line.get("discount_percent") or 0) / 100
        lists.append(money.round(exact))
        nets.append(exact * kept if place == "global" else Fraction(money.round(exact * kept)))
    asked = request.get("document_discount") or {"percent": request.get("discount_percent") or 0}
    on_gross = asked.get("on") == "gross"
    before = money.round(sum(nets, Fraction(0)))
    if on_gross:
        discount = 0
    elif asked.get("amount") is not None:
        discount = money.round(money.exact(Fraction(asked["amount"])))
    else:
        discount = money.round(sum(nets, Fraction(0)) * Fraction(asked["percent"]) / 100)
    shares = shared(discount, nets)
    prices = [net - part for net, part in zip(nets, shares)]

    def find(chosen_of: list[list[int]]) -> Found:
        found = Found(prices, list(prices), [])
        for index, (line, price) in enumerate(zip(given, prices)):
            count = Fraction(line["quantity"]) * (-1 if Fraction(line["unit_price"]) < 0 else 1)
            chosen = [rules[tax] for tax in chosen_of[index]]
            per_unit = [
                rule if rule.kind != "fixed" else Rule(**{**rule.__dict__, "amount": money.exact(rule.amount)})
                for rule in chosen
            ]
            taxes = line_taxes(per_unit, price, count, at_once)
            if taxes:
                found.nets[index] = taxes[0][0]
            found.rows.append([(tax, base, amount) for tax, (base, amount) in zip(chosen_of[index], taxes)])
        return found

    found = find(of_lines)
    settled = settle(found, rules, place, money)
    taken_off = {"on": asked.get("on", "net")}
    if asked.get("percent") is not None:
        taken_off["percent"] = echoed(asked["percent"])
    taken_off |= {"before": money.written(before), "amount": money.written(sum(shares))}
    without, discount_of = None, None
    if on_gross and Fraction(asked.get("percent") or 0) or asked.get("amount") is not None and on_gross:
        kept_rules = [[tax for tax in chosen if rules[tax].kind != "fixed"] for chosen in of_lines]
        without = find(kept_rules)
        rounded_without = settle(without, rules, place, money)
        of_all = total_of(rounded_without, rules)
        if asked.get("amount") is not None:
            off = money.round(money.exact(Fraction(asked["amount"])))
            if off > max(of_all, 0):
                raise TooMuch
            discount_of = Discount(off, Fraction(off, max(of_all, 1)))
        else:
            percent = Fraction(asked["percent"]) / 100
            discount_of = Discount(of_all - money.round(of_all * (1 - percent)), percent)
        settled, given_off = discounted(settled, rounded_without, rules, of_lines, discount_of, money)
        shares = [one + more for one, more in zip(shares, given_off)]
        taken_off |= {"before": money.written(of_all), "amount": money.written(discount_of.taken)}
    elif asked.get("amount") is not None and discount > max(before, 0):
        raise TooMuch
    sums = totals(settled, rules, request)
    total, added = sums.net + sums.tax, 0
    theirs = company = None
    if rate := request.get("company_rate"):
        out_of = rate["from"] == request["currency"]
        currency = rate["to"] if out_of else rate["from"]
        factor = Fraction(rate["rate"]) if out_of else 1 / Fraction(rate["rate"])
        company = Money(minor(currency), mode)
        factor *= Fraction(money.increment) / Fraction(company.increment)

        def by(units: Fraction) -> Fraction:
            return Fraction(company.round(units * factor)) if place == "line" else units * factor

        def in_company(found: Found) -> Found:
            other = Found(
                [by(one) for one in found.prices],
                [by(one) for one in found.nets],
                [[(tax, by(base), by(amount)) for tax, base, amount in row] for row in found.rows],
            )
            return settle(other, rules, "line" if place == "line" else "global", company)

        their_document = in_company(found)
        if without and discount_of:
            their_without = in_company(without)
            their_total = total_of(their_without, rules)
            if asked.get("amount") is not None:
                their_taken = company.round(discount_of.taken * Fraction(their_total, max(of_all, 1)))
            else:
                their_taken = their_total - company.round(their_total * (1 - discount_of.part))
            theirs_off = Discount(their_taken, discount_of.part)
            their_document, _ = discounted(their_document, their_without, rules, of_lines, theirs_off, company)
        theirs = totals(their_document, rules, request)

    cash = request.get("cash_rounding")
    rounded = their_part = None
    if cash:
        step = int(Fraction(cash["increment"]) / Fraction(money.increment))
        strategy, cash_mode = cash.get("strategy", "add_line"), cash.get("mode", "half_away_from_zero")
        biggest = max(sums.groups, key=lambda key: sums.groups[key][1], default=None)
        difference = whole(Fraction(total, step), cash_mode) * step - total
        if strategy == "biggest_tax" and biggest is None:
            difference = 0
        if theirs and company:
            of_total = Fraction(theirs.net + theirs.tax, total) if total else Fraction(0)
            their_part = company.round(difference * of_total)
        rounded = {"increment": echoed(cash["increment"]), "mode": cash_mode, "strategy": strategy}
        rounded["amount"] = money.written(difference)
        if strategy == "add_line":
            added = difference
        elif biggest is not None:
            rounded["group"] = biggest
            labels = {group["id"]: group.get("subtotal") for group in request.get("tax_groups") or []}
            for one, by_much in ((sums, difference), (theirs, their_part)):
                if one is not None and by_much is not None:
                    one.groups[biggest][1] += by_much
                    one.subtotals[labels.get(biggest)][1] += by_much
                    one.tax += by_much
            their_part = None
        else:
            their_part = None

    lines = []
    amount = net = included = 0
    for index, line in enumerate(given):
        price, taxable = int(settled.prices[index]), int(settled.nets[index])
        row = settled.rows[index]
        line_net = price + shares[index]
        is_discounted = Fraction(line.get("discount_percent") or 0) != 0
        listed = lists[index] if is_discounted else line_net
        tax = sum(int(one) for rule, _, one in row if not rules[rule].reverse)
        of_line = []
        for rule, base, one in row:
            sides = [(int(one), False)] + ([(-int(one), True)] if rules[rule].reverse else [])
            for side, is_reverse in sides:
                of_line.append(
                    {
                        "tax": rules[rule].id,
                        "base": money.written(int(base)),
                        "amount": money.written(side),
                        "reverse_charge": is_reverse,
                    }
                )
        amount, net, included = amount + listed, net + line_net, included + price - taxable
        lines.append(
            {
                "id": line.get("id") or str(index + 1),
                "quantity": echoed(line["quantity"]),
                "unit_price": echoed(line["unit_price"]),
                "amount": money.written(listed),
                "discount": money.written(listed - line_net),
                "net": money.written(line_net),
                "document_discount": money.written(shares[index]),
                "taxable": money.written(taxable),
                "tax": money.written(tax),
                "total": money.written(taxable + tax),
                "included_tax": money.written(price - taxable),
                "taxes": of_line,
            }
        )
    by_percent = []
    for place_of, percent in enumerate(percents):
        base, tax = sums.taxes.get(len(rules) - len(percents) + place_of, (0, 0))
        by_percent.append({"tax_percent": percent, "base": money.written(base), "tax": money.written(tax)})
    taken = None
    if amount != 0:
        ratio = Fraction(amount - net + sum(shares), amount) * 1_000_000
        value = Decimal(whole(ratio, "half_away_from_zero")).scaleb(-4)
        taken = format(abs(value) if value == 0 else value, "f")
    out = {
        "currency": request["currency"],
        "lines": lines,
        "amount": money.written(amount),
        "line_discount": money.written(amount - net),
        "net": money.written(net),
        "document_discount": money.written(sum(shares)),
        "taxable": money.written(sums.net),
        "tax": money.written(sums.tax),
        "tax_groups": by_percent,
        "discount_percent_true": taken,
        "total": money.written(sums.net + sums.tax + added),
        "rounding": {"tax": place, "mode": mode, "increment": echoed(money.increment)},
        "semantics": 1,
        "included_tax": money.written(included),
        "tax_details": details(sums, rules, money),
    }
    if request.get("document_discount") is not None:
        out["discounted"] = taken_off
    if rounded:
        out["cash_rounding"] = rounded
    if theirs and company:
        part = {
            "currency": currency,
            "rate": {**rate, "rate": echoed(rate["rate"])},
            "taxable": company.written(theirs.net),
            "tax": company.written(theirs.tax),
        }
        if their_part is not None:
            part["cash_rounding"] = company.written(their_part)
        part["total"] = company.written(theirs.net + theirs.tax + (their_part or 0))
        part["tax_details"] = details(theirs, rules, company)
        out["company"] = part
    return out


def echoed(text: str | int) -> str:
    """A given number as it comes back: without needless leading zeros, with its trailing ones."""
    value = Decimal(text)
    return format(abs(value) if value == 0 else value, "f")
