"""Random `quotes.price` requests, one JSON text a line: `python generate_quotes.py COUNT FILE [SEED]`.

The same count and seed give the same file everywhere: the numbers come from a generator of our own in whole numbers. Nearly all
requests are valid; one in sixteen has mistakes, and one in sixty-four has numbers that may be too large.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
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


def spoil(dice: Dice, request: dict[str, Any]) -> None:
    """Puts mistakes into a request."""
    lines = request["lines"]
    for _ in range(1 + dice.below(3)):
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
