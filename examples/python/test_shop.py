"""The shop: an order and its deal in one transaction."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import shop
from crm_core import Crm
from crm_core.sqlalchemy import SqlAlchemyRepository


def test_an_order_and_its_deal_stay_or_go_together(tmp_path: Path) -> None:
    engine = shop.connect(f"sqlite:///{tmp_path / 'shop.db'}")
    crm = Crm(SqlAlchemyRepository(engine), actor="u1")
    for deal in ("d1", "d2"):
        crm.opportunities.create(id=deal, name=deal, amount="100", currency="EUR")
    assert shop.place(engine, "order-1", "d1", "90") == "won"
    with pytest.raises(IntegrityError):
        shop.place(engine, "order-1", "d2", "80")
    assert [crm.opportunities.get(deal).value.status for deal in ("d1", "d2")] == ["won", "open"]
    with Session(engine) as session:
        assert [order.deal for order in session.query(shop.Order)] == ["d1"]


def test_it_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.argv", ["shop.py", f"sqlite:///{tmp_path / 'shop.db'}"])
    shop.main()
    assert capsys.readouterr().out == "won\n"
