"""The façades: typed calls, options, batches, engines over files."""

from __future__ import annotations

import datetime as dt
import gc
import json
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

import crm_core
from crm_core import Answer, Crm, NotFoundError, config, currencies, models, money, quotes

UTC = dt.timezone.utc
NOW = dt.datetime(2026, 1, 31, 9, tzinfo=UTC)


def test_a_quote_needs_nothing() -> None:
    answer = quotes.price(currency="USD", lines=[{"quantity": 2, "unit_price": "9.99"}])
    assert isinstance(answer, Answer) and isinstance(answer.value, models.PricedQuote)
    assert answer.value.total == Decimal("19.98") and answer.value.lines[0].id == "1"
    assert [reason.code for reason in answer.reasons] == ["quote_total"]
    assert str(answer.reasons[0]) == "total 19.98 USD: 19.98 net and 0.00 tax"


def test_what_may_be_given() -> None:
    line = models.PriceLine(quantity=Decimal("1.5"), unit_price=Decimal("10.005"), tax_percent=Decimal(19))
    as_model = quotes.price(currency="EUR", lines=[line]).value
    as_dict = quotes.price(
        currency="EUR", lines=({"quantity": "1.5", "unit_price": Decimal("10.005"), "tax_percent": 19},)
    ).value
    assert as_model == as_dict and as_model.tax == Decimal("2.85")


def test_explanations_in_two_languages() -> None:
    lines = [{"quantity": 3, "unit_price": "10", "discount_percent": 10}]
    answer = quotes.price(currency="USD", lines=lines, explain="full")
    assert "line discount of 10 %: 30.00 becomes 27.00" in answer.explain()
    assert "行折扣 10%" in answer.explain("zh")
    assert quotes.price(currency="USD", lines=lines, explain="none").reasons == ()
    with pytest.raises(ValueError, match="`fr` is not a language"):
        answer.explain("fr")


def test_the_other_pure_operations() -> None:
    assert money.round(value="2.345", increment="0.01", mode="half_even").value.result == Decimal("2.34")
    assert money.allocate(amount="100.00", currency="USD", weights=[1, 1, 1]).value.shares[0] == Decimal("33.34")
    summed = money.sum(amounts=[{"amount": "1", "currency": "USD"}, {"amount": 2, "currency": "EUR"}]).value
    assert [str(each.amount) for each in summed.sums] == ["2", "1"]
    rate = {"from": "EUR", "to": "USD", "date": dt.date(2026, 1, 30), "rate": "1.05", "source": "ECB"}
    converted = money.convert(
        money={"amount": "10", "currency": "EUR"}, to="USD", date=dt.date(2026, 1, 31), rates=[rate]
    ).value
    assert converted.amount == Decimal("10.50")
    assert currencies.get(code="JPY").value.minor_unit_digits == 0
    assert not config.lint(config={"version": 1, "pipelines": []}).value.valid


def test_a_model_with_a_field_that_python_keeps_for_itself() -> None:
    rate = models.Rate(from_="EUR", to="USD", date=dt.date(2026, 1, 30), rate=Decimal("1.05"))
    assert models.Rate.model_validate({"from": "EUR", "to": "USD", "date": "2026-01-30", "rate": "1.05"}) == rate
    converted = money.convert(
        money=models.Money(amount=Decimal(10), currency="EUR"), to="USD", date="2026-01-31", rates=[rate]
    )
    assert converted.value.amount == Decimal("10.50")


def test_the_life_of_a_deal() -> None:
    with Crm.in_memory(actor="u1", now=NOW) as crm:
        user = crm.users.create(id="u1", name="Ada").value
        account = crm.accounts.create(name="Acme", owner=user.id).value
        deal = crm.opportunities.create(
            id="d1", name="40 desks", account=account.id, owner="u1", amount=Decimal("12500.00"), currency="USD"
        ).value
        assert (deal.stage, deal.version, deal.created_at) == ("prospecting", 1, NOW)
        moved = crm.opportunities.advance("d1", to="proposal", expect_version=deal.version)
        assert moved.value.history[-1].actor == "u1" and moved.reasons
        assert crm.opportunities.requirements("d1", to="negotiation").value.possible
        emptied = crm.opportunities.update("d1", next_step="call", account=None).value
        assert emptied.account is None and emptied.amount == Decimal("12500.00")
        won = crm.opportunities.win("d1", amount=13000).value
        assert (won.status, won.amount, won.closed_on) == ("won", Decimal(13000), dt.date(2026, 1, 31))
        kinds = [each.event.kind for each in crm.events.list(limit=100).value.items]
        assert kinds[-1] == "opportunity.won" and "opportunity.stage_moved" in kinds
        assert [each.id for each in crm.opportunities.find(status="won").value.items] == ["d1"]
        assert crm.insight.win_rate().value.total.won == 1


def test_options_of_a_view_and_of_a_call() -> None:
    crm = Crm.in_memory(now=NOW, seed="s")
    late = crm.at(now=NOW + dt.timedelta(hours=20), zone="Asia/Shanghai", actor="u2", tenant="other")
    assert late.opportunities.create(id="d", name="Deal").value.history[0].actor == "u2"
    assert late.opportunities.win("d").value.closed_on == dt.date(2026, 2, 1)
    with pytest.raises(NotFoundError):
        crm.opportunities.get("d")
    assert crm.opportunities.get("d", tenant="other").value.status == "won"
    made = crm.users.create(name="Ada").value.id
    assert made == Crm.in_memory(now=NOW, seed="s").users.create(name="Eve").value.id
    assert made != Crm.in_memory(now=NOW).users.create(name="Eve").value.id
    with pytest.raises(TypeError, match="`users.create` takes no `actr`: did you mean `actor`"):
        crm.users.create(name="Ada", actr="u1")  # type: ignore[call-arg]


def test_a_configuration_for_one_engine() -> None:
    stages = [{"id": "new"}, {"id": "sold", "kind": "won"}, {"id": "gone", "kind": "lost"}]
    rules = {"version": 1, "currency": "EUR", "pipelines": [{"id": "short", "stages": stages}]}
    crm = Crm.in_memory(config=rules)
    deal = crm.opportunities.create(name="Deal", amount=5).value
    assert (deal.pipeline, deal.stage, deal.currency) == ("short", "new", "EUR")
    assert crm.at(config=None).opportunities.create(name="Deal").value.pipeline == "sales"
    stored = crm.config.put(config=models.Config.model_validate(rules)).value
    read = crm.at(config=None).config.get().value
    assert read.config == stored.config and read.version == 1
    read.config.lost_reasons = ["price"]
    assert crm.config.put(config=read.config).value.version == 2


def test_a_repeated_request_changes_nothing() -> None:
    crm = Crm.in_memory()
    first = crm.users.create(name="Ada", idempotency_key="k1")
    assert crm.users.create(name="Ada", idempotency_key="k1") == first
    assert len(crm.users.find().value.items) == 1
    with pytest.raises(crm_core.ConflictError) as caught:
        crm.users.create(name="Eve", idempotency_key="k1")
    assert caught.value.code == "idempotency_key_reused"


def test_calls_by_name_on_plain_data() -> None:
    crm = Crm.in_memory(now=NOW, seed="s")
    answer = crm.call("users.create", {"id": "u1", "name": "Ada"})
    assert answer.value["name"] == "Ada" and answer.value["created_at"] == "2026-01-31T09:00:00Z"
    assert crm.call("users.create", models.NewUser(id="u2", name="Eve")).value["id"] == "u2"
    said = json.loads(crm.call_json('{"op":"users.get","input":{"id":"u1"}}'))
    assert said["ok"] and said["value"]["name"] == "Ada"
    assert json.loads(crm_core.call_json("[]"))["ok"] is False


def test_a_step_of_a_batch_holds_nothing_that_is_passed_over() -> None:
    crm = Crm.in_memory()
    for step in [("users.get", {"id": "u"}, 5), ("users.get",), "users.get", None, ["users.get", {"id": "u"}]]:
        with pytest.raises(crm_core.ValidationError, match="expected `\\(\"users.get\", "):
            crm.batch([step])  # type: ignore[list-item]
    with pytest.raises(crm_core.ValidationError, match="beside each operation"):
        crm.batch([("users.create", {"name": "Ada"})], expect_version=1)


def test_a_file_is_found_again_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    with Crm.open("deals.db", busy_timeout=1e10) as crm:
        crm.users.create(id="u", name="Ada")
        monkeypatch.chdir(tmp_path / "other")
        crm.users.create(id="v", name="Eve")
        crm.export_snapshot("copy.db")
    with Crm.open("copy.db") as copy:
        assert copy.users.get("v").value.name == "Eve"
    assert not Path("deals.db").exists()


def test_batches() -> None:
    crm = Crm.in_memory()
    answers = crm.batch(
        [
            ("users.create", {"id": "u1", "name": "Ada"}),
            {"op": "users.update", "input": {"id": "u1", "team": "West"}, "expect_version": 1},
            models.BatchItem(op="users.get", input={"id": "u1"}),
        ]
    )
    assert [type(each.value) for each in answers] == [models.User] * 3 and answers[2].value.team == "West"
    with pytest.raises(crm_core.ConflictError) as caught:
        crm.batch([("users.create", {"id": "u2", "name": "Eve"}), ("users.create", {"id": "u1", "name": "Ada"})])
    assert caught.value.path == "requests[1].input.id"
    with pytest.raises(NotFoundError):
        crm.users.get("u2")
    separate = crm.batch(
        [("users.create", {"id": "u2", "name": "Eve"}), ("users.create", {"id": "u1", "name": "Ada"})], atomic=False
    )
    assert isinstance(separate[0], Answer) and isinstance(separate[1], crm_core.ConflictError)
    assert crm.users.get("u2").value.name == "Eve"


def test_a_file_keeps_what_was_committed(tmp_path: Path) -> None:
    file = tmp_path / "deals.db"
    with Crm.open(f"sqlite:{file}", durability="process") as crm:
        crm.users.create(id="u1", name="Ada")
        crm.export_snapshot(tmp_path / "copy.db")
        with pytest.raises(crm_core.StorageError):
            crm.export_snapshot(tmp_path / "copy.db")
    with pytest.raises(crm_core.ValidationError) as closed:
        crm.export_snapshot(tmp_path / "later.db")
    assert closed.value.code == "unknown_engine"
    with Crm.open(file) as crm:
        assert crm.users.get("u1").value.name == "Ada"
    copy = sqlite3.connect(tmp_path / "copy.db")
    assert copy.execute("SELECT kind, id FROM crm_record").fetchall() == [("user", "u1")]
    copy.close()


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(crm_core.UnsupportedError) as caught:
        Crm.open("postgres://crm:secret@localhost/deals")
    assert caught.value.code == "unsupported_url"
    assert "crm_core.sqlalchemy" in str(caught.value) and "secret" not in repr(caught.value)
    with pytest.raises(crm_core.StorageError) as refused:
        Crm.open(tmp_path / "nowhere" / "deals.db")
    assert refused.value.code == "storage_unavailable"
    with pytest.raises(crm_core.ValidationError, match="`fast` is not one of `power`, `process`"):
        Crm.open(tmp_path / "deals.db", durability="fast")  # type: ignore[arg-type]
    with pytest.raises(crm_core.UnsupportedError) as elsewhere:
        Crm.in_memory().export_snapshot(tmp_path / "copy.db")
    assert elsewhere.value.code == "unsupported_change"


def test_another_process_holds_the_file(tmp_path: Path) -> None:
    file = tmp_path / "deals.db"
    with Crm.open(file, busy_timeout=0.05) as crm:
        crm.users.create(id="u1", name="Ada")
        holds = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None)"
        holds += "; c.execute('BEGIN IMMEDIATE'); print('held', flush=True); input()"
        other = subprocess.Popen(
            [sys.executable, "-c", holds, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(crm_core.StorageError) as caught:
            crm.users.create(id="u2", name="Eve")
        assert caught.value.code == "storage_locked" and caught.value.retryable
        other.communicate("\n", timeout=10)
        assert crm.users.create(id="u2", name="Eve").value.version == 1


def test_an_engine_that_nobody_holds_is_closed() -> None:
    crm = Crm.in_memory()
    number = crm._link.number  # type: ignore[attr-defined]
    view = crm.at(actor="u1")
    del crm
    gc.collect()
    assert view.users.find().value.items == []
    del view
    gc.collect()
    assert crm_core._crm.close(number) is False


def test_a_closed_engine_says_so() -> None:
    crm = Crm.in_memory()
    crm.close()
    crm.close()
    with pytest.raises(crm_core.ValidationError) as caught:
        crm.users.find()
    assert caught.value.code == "unknown_engine"


def test_a_custom_number_of_zero_or_one_is_a_number() -> None:
    fields = [{"kind": "account", "id": name, "type": kind} for name, kind in (("n", "integer"), ("d", "decimal"), ("f", "flag"))]
    stages = [{"id": "open"}, {"id": "won", "kind": "won"}, {"id": "lost", "kind": "lost"}]
    crm = Crm.in_memory(actor="u1", config={"version": 1, "pipelines": [{"id": "p", "stages": stages}], "custom_fields": fields})
    for number in (0, 1, 2):
        custom = crm.accounts.create(id=f"a{number}", name="A", custom={"n": number, "d": number, "f": True}).value.custom
        assert custom == {"n": number, "d": str(number), "f": True} and not isinstance(custom["n"], bool)
        crm.accounts.update(f"a{number}", custom=custom)
