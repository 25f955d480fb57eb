"""A sales app with a deals table of its own, whose stage moves crm-core decides.

The app keeps its tables, its ids, its transactions. `move_deal` is written as a FastAPI route: decorate it with
`@app.post("/deals/{deal_id}/move")` and inject the session with `Depends`. crm-core stores nothing here.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from crm_core import decide_with, models
from pydantic import BaseModel
from sqlalchemy import JSON, ForeignKey, Numeric
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

# The app's own rules: a deal needs an amount before it is offered.
RULES = models.Config.model_validate(
    {
        "version": 1,
        "currency": "EUR",
        "pipelines": [
            {
                "id": "sales",
                "stages": [
                    {"id": "lead", "probability": 10, "moves": ["offer", "lost"]},
                    {"id": "offer", "probability": 60, "requires": ["amount"]},
                    {"id": "won", "kind": "won"},
                    {"id": "lost", "kind": "lost"},
                ],
            }
        ],
    }
)


class Base(DeclarativeBase):
    """The app's tables."""


class Move(Base):
    """One entry of a deal's history."""

    __tablename__ = "deal_moves"

    id: Mapped[int] = mapped_column(primary_key=True)
    deal_id: Mapped[int] = mapped_column(ForeignKey("deals.id"))
    stage: Mapped[str]
    kind: Mapped[str]
    entered_at: Mapped[str]
    recorded_at: Mapped[str]
    actor: Mapped[str | None]


class Deal(Base):
    """A deal, as this app has always kept it."""

    __tablename__ = "deals"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    stage: Mapped[str] = mapped_column(default="lead")
    status: Mapped[str] = mapped_column(default="open")
    value: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    closed_on: Mapped[dt.date | None]
    lock_version: Mapped[int] = mapped_column()
    moves: Mapped[list[Move]] = relationship(order_by=Move.id)
    __mapper_args__ = {"version_id_col": lock_version}


class Outbox(Base):
    """What happened, for the app's other parts."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    event: Mapped[dict[str, Any]] = mapped_column(JSON)


class MoveRequest(BaseModel):
    """The body of the route."""

    to: str


def known(deal: Deal | None) -> tuple[dict[str, Any], int] | None:
    """A row as crm-core knows an opportunity, with the app's own version of it."""
    if deal is None:
        return None
    fields = ("stage", "kind", "entered_at", "recorded_at", "actor")
    history = [{name: getattr(move, name) for name in fields} for move in deal.moves]
    body: dict[str, Any] = {"name": deal.title, "pipeline": "sales", "stage": deal.stage, "status": deal.status}
    body["history"] = history
    if deal.value is not None:
        body |= {"amount": deal.value, "currency": "EUR"}
    return body, deal.lock_version


def move_deal(deal_id: int, body: MoveRequest, session: Session, user: str) -> models.Opportunity:
    """`POST /deals/{deal_id}/move`: decides, writes the row, its history and the event in one transaction."""
    row = session.get(Deal, deal_id)  # held until the end: its version is the one that is decided on
    done = decide_with(
        "opportunities.advance",
        {"id": str(deal_id), "to": body.to},
        {"opportunity": lambda id: known(row)},
        config=RULES,
        actor=user,
    )
    for put in done.changes.puts:
        deal = session.get_one(Deal, int(put.id))  # the same row
        for name in put.changed.keys() & {"stage", "status", "closed_on"}:
            setattr(deal, name, put.values[name])
        deal.moves.append(Move(**put.body["history"][-1]))
    session.add_all(Outbox(kind=event.kind, event=event.model_dump(mode="json")) for event in done.changes.events)
    session.commit()  # refused when somebody else changed the row meanwhile
    moved: models.Opportunity = done.value
    return moved
