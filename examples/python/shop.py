"""A shop with SQLAlchemy: its orders and the engine's deals in one database and one transaction.

Run it with `python shop.py`, or with the address of a database: `python shop.py postgresql+psycopg://user:password@host/shop`.
"""

from __future__ import annotations

import sys

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from crm_core import Crm
from crm_core.sqlalchemy import SqlAlchemyRepository


class Base(DeclarativeBase):
    """The shop's own tables."""


class Order(Base):
    """An order, and the deal that it came from."""

    __tablename__ = "shop_order"
    id: Mapped[str] = mapped_column(primary_key=True)
    deal: Mapped[str]
    total: Mapped[str]


def connect(address: str) -> Engine:
    """Opens the database and makes both kinds of tables where they are missing."""
    engine = create_engine(address)
    Base.metadata.create_all(engine)
    SqlAlchemyRepository(engine).create_tables()
    return engine


def place(engine: Engine, order: str, deal: str, total: str) -> str:
    """Wins a deal and writes the order: both or neither."""
    with Session(engine) as session, session.begin():
        crm = Crm(SqlAlchemyRepository(session), actor="shop")
        won = crm.opportunities.win(deal, amount=total).value
        session.add(Order(id=order, deal=won.id, total=total))
        return won.stage


def main() -> None:
    """One deal, one order."""
    engine = connect(sys.argv[1] if len(sys.argv) > 1 else "sqlite://")
    with Session(engine) as session, session.begin():
        crm = Crm(SqlAlchemyRepository(session), actor="shop")
        deal = crm.opportunities.create(name="Ten laptops", amount="12990", currency="EUR").value
    print(place(engine, "order-1", deal.id, "12500"))


if __name__ == "__main__":
    main()
