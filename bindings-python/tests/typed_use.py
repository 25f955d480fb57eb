"""How a typed program uses the package; mypy reads this and must agree with every line."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from typing_extensions import assert_type

from crm_core import Answer, AsyncCrm, AsyncRepository, Crm, CrmError, Done, Repository, decide_with, models, quotes
from stores import AsyncDictRepository, DictRepository

priced = quotes.price(currency="USD", lines=[{"quantity": 2, "unit_price": "9.99"}])
assert_type(priced, Answer[models.PricedQuote])
assert_type(priced.value.total, Decimal)
quotes.price(currency="USD", lines=[models.PriceLine(quantity=Decimal(1), unit_price=Decimal("9.99"))], explain="full")
quotes.price(currency="USD", lines=[{"quantity": 2.5, "unit_price": "9.99"}])  # type: ignore[list-item]
quotes.price(currency="USD", lines=[{"quantiy": 2, "unit_price": "9.99"}])  # type: ignore[list-item]
quotes.price(currency="USD", line=[])  # type: ignore[call-arg]
quotes.price(currency="USD", lines=[], explain="all")  # type: ignore[arg-type]


def waiting(crm: Crm, day: dt.date) -> None:
    deal = crm.opportunities.create(name="Deal", amount=Decimal(5), currency="USD", expected_close=day)
    assert_type(deal, Answer[models.Opportunity])
    crm.opportunities.update(deal.value.id, amount=None, expect_version=deal.value.version)
    crm.opportunities.advance(deal.value.id, to="proposal", actor="u1", now=dt.datetime.now(dt.timezone.utc))
    crm.opportunities.find(status="open")
    crm.users.create("Ada", team="West")
    crm.price_books.lookup("b1", products=[])  # type: ignore[call-arg]
    crm.opportunities.find(status="closed")  # type: ignore[arg-type]
    crm.opportunities.advance(to="proposal")  # type: ignore[call-arg]
    assert_type(crm.batch([("users.get", {"id": "u1"})])[0].value, Any)
    assert_type(crm.batch([], atomic=False)[0], Answer[Any] | CrmError)


async def awaiting(crm: AsyncCrm) -> None:
    assert_type((await crm.users.find(limit=10)).value.items, list[models.User])


store: Repository = DictRepository()
awaited: AsyncRepository = AsyncDictRepository()
assert_type(decide_with("opportunities.win", {"id": "7"}, {}), Done)
try:
    waiting(Crm(store), dt.date(2026, 1, 31))
except CrmError as error:
    assert_type(error.violations, list[CrmError])
