"""Uses the installed wheel: a quote without a store, a deal in memory and in a file, a refusal."""

import tempfile
from pathlib import Path

import crm_core
from crm_core import Crm, CrmError, quotes

quote = quotes.price(currency="USD", lines=[{"quantity": 3, "unit_price": "9.99", "tax_percent": "8.25"}])
assert str(quote.value.total) == "32.44", quote.value.total

try:
    quotes.price(currency="USD", lines=[{"quantity": 3, "unit_price": 9.99}])  # type: ignore[list-item]
except (CrmError, TypeError, ValueError) as error:
    refusal = str(error)
else:
    raise AssertionError("a binary float was accepted as a price")

with tempfile.TemporaryDirectory() as folder:
    for crm in (Crm.in_memory(actor="ada"), Crm.open(f"sqlite:{Path(folder) / 'deals.db'}", actor="ada")):
        deal = crm.opportunities.create(name="Ten laptops", amount="12990", currency="EUR").value
        assert crm.opportunities.win(deal.id, amount="12500").value.status == "won"

print(f"crm-core {crm_core.__version__}: {quote.value.total}; {refusal}")
