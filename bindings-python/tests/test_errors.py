"""Refusals: one class a kind, stable codes, paths, remedies; and what is wrong with wrong input."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from decimal import Decimal
from typing import Any

import pydantic
import pytest

import crm_core
from crm_core import Crm, CrmError, ValidationError, errors, models, money, quotes, render
from crm_core._generated.catalogue import CODES


def refused(lines: Any, **fields: Any) -> CrmError:
    with pytest.raises(CrmError) as caught:
        quotes.price(currency=fields.pop("currency", "USD"), lines=lines, **fields)
    return caught.value


def test_a_float_is_refused_with_the_remedy() -> None:
    error = refused([{"quantity": 1, "unit_price": 9.99}])
    assert isinstance(error, ValidationError)
    assert (error.kind, error.code, error.path) == ("validation", "fractional_number", "lines[0].unit_price")
    assert 'write it as a string, such as "9.99"' in str(error)
    whole = refused([{"quantity": 2.0, "unit_price": 1}])
    assert whole.code == "fractional_number"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("1E+999999"), "1,5", "", " 1"])
def test_what_is_not_a_decimal(value: Any) -> None:
    assert refused([{"quantity": 1, "unit_price": value}]).code == "invalid_decimal"


def test_decimals_are_written_in_full() -> None:
    priced = quotes.price(currency="USD", lines=[{"quantity": Decimal("1E+3"), "unit_price": Decimal("1E-2")}]).value
    assert priced.total == Decimal("10.00")
    assert refused([{"quantity": True, "unit_price": 1}]).code == "wrong_type"


def test_models_refuse_floats_too() -> None:
    with pytest.raises(pydantic.ValidationError, match="`9.99` is a float, which is not exact: give Decimal"):
        models.PriceLine(quantity=1, unit_price=9.99)  # type: ignore[arg-type]
    with pytest.raises(pydantic.ValidationError, match="Extra inputs are not permitted"):
        models.PriceLine(quantity=1, unit_price=1, discont=3)  # type: ignore[call-arg,arg-type]
    with pytest.raises(pydantic.ValidationError, match="timezone"):
        models.WinRequest(id="d1", effective_at=dt.datetime(2026, 1, 31))


def test_all_mistakes_at_once_with_suggestions() -> None:
    error = refused([{"quantity": 2.5, "unit_price": 1}, {"quantiy": 1}])
    assert error.code == "invalid_request"
    assert [(each.code, each.path) for each in error.violations] == [
        ("fractional_number", "lines[0].quantity"),
        ("unknown_field", "lines[1].quantiy"),
        ("missing_field", "lines[1].unit_price"),
    ]
    assert "did you mean `quantity`?" in str(error.violations[1])


def test_every_kind_has_a_class() -> None:
    kinds = {kind for kind, _, _ in CODES.values() if kind is not None}
    assert kinds <= set(errors.CLASSES) and all(issubclass(made, CrmError) for made in errors.CLASSES.values())
    for kind, made in errors.CLASSES.items():
        assert made.kind == kind and getattr(crm_core, made.__name__) is made


def test_kinds_as_they_are_met() -> None:
    crm = Crm.in_memory()
    with pytest.raises(crm_core.NotFoundError) as missing:
        crm.users.get("nobody")
    assert missing.value.details == {"kind": "user", "id": "nobody"}
    user = crm.users.create(id="u1", name="Ada").value
    with pytest.raises(crm_core.ConflictError):
        crm.users.create(id="u1", name="Ada")
    with pytest.raises(crm_core.ConflictError) as stale:
        crm.users.update("u1", team="West", expect_version=user.version + 1)
    # The caller named the version, so the same request cannot succeed later.
    assert (stale.value.code, stale.value.retryable) == ("version_ahead", False)
    crm.opportunities.create(id="d1", name="Deal")
    crm.opportunities.win("d1")
    with pytest.raises(crm_core.InvalidTransitionError) as illegal:
        crm.opportunities.advance("d1", to="proposal")
    assert illegal.value.code == "already_closed"
    with pytest.raises(crm_core.LimitError):
        crm.users.create(name="x" * 10_000)
    with pytest.raises(crm_core.ValidationError, match="did you mean `users.create`"):
        crm.call("users.creat", {})
    with pytest.raises(ValidationError) as naive:
        crm.users.create(name="Ada", now=dt.datetime(2026, 1, 31))
    assert naive.value.code == "invalid_instant"


def test_a_mixed_currency_is_not_added_up() -> None:
    two = [{"amount": "1", "currency": "USD"}, {"amount": "1", "currency": "EUR"}]
    with pytest.raises(ValidationError) as caught:
        money.sum(amounts=two, to="USD", date="2026-01-31")
    assert caught.value.code == "missing_rate"


def test_hints_are_chinese_too() -> None:
    error = refused([{"quantiy": 1, "unit_price": True, "quantity": 1}])
    assert "没有字段 `quantiy`：请删除" in error.render("zh")
    assert "应为 小数字符串，例如 \"12.50\"，实为 布尔值" in error.render("zh")
    hint = {"code": "did_you_mean", "params": {"near": "quantity"}}
    unknown = {"code": "unknown_field", "params": {"field": "quantiy", "hint": hint}}
    assert render(unknown, "zh") == "此处没有字段 `quantiy`：您是否想写 `quantity`？"
    assert render(unknown) == "there is no field `quantiy` here: did you mean `quantity`?"


def test_messages_in_chinese() -> None:
    error = refused([{"quantity": 1, "unit_price": 9.99}])
    assert "不精确" in error.render("zh") and render(error, "zh-CN") == error.render("zh_TW")
    assert render({"code": "record_created", "params": {"kind": "user", "id": "u1"}}, "zh") == "创建了 用户 `u1`"
    answer = quotes.price(currency="USD", lines=[{"quantity": 1, "unit_price": 1}])
    assert render(answer.reasons[0], "zh").startswith("总计 1.00 USD")


def test_the_rendered_message_is_the_engines() -> None:
    crm = Crm.in_memory()
    for op, given in [("users.get", {"id": "x"}), ("users.get", {}), ("nothing.here", {}), ("users.create", {"name": 3})]:
        with pytest.raises(CrmError) as caught:
            crm.call(op, given)
        assert render(caught.value) == caught.value.message


def test_errors_travel() -> None:
    error = refused([{"quantity": 1, "unit_price": 9.99}])
    for other in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(other) is type(error) and str(other) == str(error) and other.details == error.details
    assert repr(error).startswith("ValidationError('fractional_number', ")


def test_errors_made_by_hosts() -> None:
    error = CrmError.of("version_conflict", kind="opportunity", id="7")
    assert isinstance(error, crm_core.ConflictError) and error.retryable
    assert str(error) == "the opportunity `7` was changed by somebody else: read it again and repeat"
    with pytest.raises(ValueError, match="there is no error code `nonsense`"):
        CrmError.of("nonsense")


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x"])
def test_what_cannot_be_sent(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot be sent"):
        Crm.in_memory().call("users.create", {"name": value})


def test_strange_texts_do_no_harm() -> None:
    crm = Crm.in_memory()
    with pytest.raises(CrmError):
        crm.users.create(name="\ud800")
    with pytest.raises(CrmError):
        crm.users.create(name="a\x00b")
    name = "Zoë 😀 \u2028 王"
    assert crm.users.create(id="z", name=name).value.name == name == crm.users.get("z").value.name
