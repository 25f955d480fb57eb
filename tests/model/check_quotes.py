"""Compares answers with the model: `python check_quotes.py REQUESTS ANSWERS`, a line each."""

from __future__ import annotations

import json
import sys

from quote_model import disagreement


def main(requests: str, answers: str) -> int:
    refused = wrong = count = 0
    with open(requests, encoding="utf-8") as asked, open(answers, encoding="utf-8") as said:
        for request, answer in zip(asked, said, strict=True):
            count += 1
            refused += not json.loads(answer)["ok"]
            message = disagreement(request, answer.removesuffix("\n"))
            if message:
                wrong += 1
                if wrong <= 5:
                    print(f"line {count}: {message}\n  request {request}  answer  {answer}", file=sys.stderr)
    # A run in which nothing is refused, or everything, shows nothing.
    if not 0 < refused < count / 4:
        print(f"{refused} of {count} answers are refusals", file=sys.stderr)
        wrong += 1
    print(f"{count} answers compared with the model, {refused} of them refusals, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
