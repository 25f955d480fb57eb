"""Answers requests with the Python package: `python answer.py REQUESTS ANSWERS`, a line each."""

from __future__ import annotations

import sys

from crm_core import call_json


def main(requests: str, answers: str) -> None:
    with open(requests, encoding="utf-8") as asked, open(answers, "w", encoding="utf-8", newline="\n") as said:
        for request in asked:
            said.write(call_json(request.removesuffix("\n")) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
