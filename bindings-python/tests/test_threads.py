"""Threads: the engine works without the interpreter's lock, and one engine serves many."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from crm_core import Crm, call_json, quotes
from crm_core._wire import dumps
from stores import DictRepository


def big_request() -> str:
    lines = [{"quantity": at + 1, "unit_price": "9.99", "tax_percent": 19} for at in range(1000)]
    return dumps({"op": "quotes.price", "input": {"currency": "USD", "lines": lines}, "explain": "full"})


def test_other_threads_run_while_the_engine_works() -> None:
    text = big_request()
    call_json(text)
    working = threading.Event()
    spans: list[tuple[float, float]] = []

    def work() -> None:
        working.set()
        for _ in range(5):
            start = time.perf_counter()
            call_json(text)
            spans.append((start, time.perf_counter()))

    thread = threading.Thread(target=work)
    ticks: list[float] = []
    thread.start()
    working.wait()
    while thread.is_alive():
        ticks.append(time.perf_counter())
        time.sleep(0.0005)
    thread.join()
    # Inside a call, well away from its ends, this thread ran too.
    assert any(start * 0.8 + end * 0.2 < tick < start * 0.2 + end * 0.8 for start, end in spans for tick in ticks)


def test_one_engine_serves_many_threads(tmp_path: Path) -> None:
    for crm in (Crm.in_memory(), Crm.open(tmp_path / "deals.db", durability="process"), Crm(DictRepository())):
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda at, crm=crm: crm.users.create(id=f"u{at}", name="Ada").value.id, range(80)))
        assert len(set(made)) == 80 and len(crm.users.find(limit=100).value.items) == 80
        crm.close()


def test_answers_do_not_depend_on_who_asks() -> None:
    def total(at: int) -> str:
        return str(quotes.price(currency="USD", lines=[{"quantity": at, "unit_price": "0.01"}]).value.total)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(total, range(1, 200))) == [f"{at / 100:.2f}" for at in range(1, 200)]
