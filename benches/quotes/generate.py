"""The quotes that every contender prices: `python generate.py FILE`.

A JSON object from the number of lines to requests of `quotes.price`, the same in every run: usual quantities and prices, a line
discount and a tax percent on each line, and one document discount.
"""

import json
import random
import sys

QUANTITIES = [1, 2, 3, 5, 8, 10, 12, 20, 24, 25, 48, 50, 60, 99, 100]
TAXES = ["0", "5", "7.7", "19", "20", "21"]
COUNTS = {10: 20, 100: 10, 1000: 4}


def quotes() -> dict[str, list[dict[str, object]]]:
    dice = random.Random(42)

    def line() -> dict[str, str]:
        return {
            "quantity": str(dice.choice(QUANTITIES)),
            "unit_price": f"{dice.randint(1, 99_999) / 100:.2f}",
            "discount_percent": f"{dice.randint(0, 60) / 2:.1f}",
            "tax_percent": dice.choice(TAXES),
        }

    def quote(lines: int) -> dict[str, object]:
        return {"currency": "USD", "lines": [line() for _ in range(lines)], "discount_percent": "3.5"}

    return {str(lines): [quote(lines) for _ in range(count)] for lines, count in COUNTS.items()}


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(quotes(), file)
