"""The example, on a database in memory."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from decimal import Decimal

import pytest
from app import Base, Deal, MoveRequest, Outbox, move_deal
from crm_core import InvalidTransitionError, NotFoundError
from sqlalchemy import create_engine, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Deal(id=1, title="Desks", value=Decimal("1200.00")), Deal(id=2, title="Chairs")])
        session.commit()
        yield session


def test_a_move(session: Session) -> None:
    moved = move_deal(1, MoveRequest(to="offer"), session, "ada")
    assert moved.stage == "offer" and moved.amount == Decimal("1200.00")
    deal = session.get_one(Deal, 1)
    assert (deal.stage, deal.status, deal.lock_version) == ("offer", "open", 2)
    assert [(move.stage, move.actor) for move in deal.moves] == [("offer", "ada")]
    assert [row.kind for row in session.scalars(select(Outbox))] == ["opportunity.stage_moved"]


def test_the_rules_of_the_app_hold(session: Session) -> None:
    with pytest.raises(InvalidTransitionError) as missing:
        move_deal(2, MoveRequest(to="offer"), session, "ada")
    assert missing.value.code == "requirements_not_met" and missing.value.details["missing"] == ["amount"]
    with pytest.raises(NotFoundError):
        move_deal(3, MoveRequest(to="offer"), session, "ada")
    session.rollback()
    assert session.get_one(Deal, 2).stage == "lead" and not session.scalars(select(Outbox)).all()


def test_somebody_else_was_faster(session: Session) -> None:
    held = session.get_one(Deal, 1)
    faster = update(Deal).where(Deal.id == 1).values(lock_version=7).execution_options(synchronize_session=False)
    session.execute(faster)
    with pytest.raises(StaleDataError):
        move_deal(1, MoveRequest(to="offer"), session, "ada")
    session.rollback()
    assert held.stage == "lead" and not session.scalars(select(Outbox)).all()


def test_the_move_is_short() -> None:
    lines = [line for line in inspect.getsource(move_deal).splitlines() if line.strip()]
    assert len(lines) <= 25
