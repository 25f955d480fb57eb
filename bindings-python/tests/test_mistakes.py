"""What callers get wrong, and what they are told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import crm_core
from crm_core import AsyncCrm, Crm, CrmError, ValidationError, config, currencies, decide_with, money, quotes, render

STAGELESS = {"version": 1, "pipelines": [{"id": "sales", "stages": [{"id": "new"}]}]}


def test_a_misspelt_argument_is_compared_with_the_methods_own() -> None:
    crm = Crm.in_memory()
    with pytest.raises(TypeError, match="^`opportunities.create` takes no `amont`: did you mean `amount`\\?$"):
        crm.opportunities.create(name="x", amont="1")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="did you mean `actor`\\?$"):
        crm.opportunities.create(name="x", actr="u1")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="^`users.get` takes no `colour`: its fields are `id`; the options are `actor`, "):
        crm.users.get("u1", colour="red")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="`quotes.price` takes no `discont_percent`: did you mean `discount_percent`"):
        quotes.price(currency="USD", lines=[], discont_percent=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="there is no option `tennant`: did you mean `tenant`"):
        crm.at(tennant="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="`users.get` takes no `acto`: did you mean `actor`"):
        asyncio.run(AsyncCrm.in_memory().users.get("u1", acto="u1"))  # type: ignore[call-arg]


def several() -> CrmError:
    with pytest.raises(ValidationError) as caught:
        quotes.price(currency="USD", lines=[{"quantity": 2.5, "unit_price": 1}, {"quantiy": 1}])  # type: ignore[list-item]
    return caught.value


def test_several_mistakes_have_a_line_each() -> None:
    error = several()
    first, *lines = str(error).split("\n")
    assert first == error.message and "\n" not in error.message
    assert lines == [f"  `{each.path}`: {each.message}" for each in error.violations] and len(lines) == 3
    assert render(error) == str(error) == render({"code": error.code, "details": error.details})
    assert "\n  `lines[1].quantiy`: 此处没有字段 `quantiy`" in render(error, "zh")


def test_findings_have_a_line_each() -> None:
    with pytest.raises(ValidationError) as caught:
        Crm.in_memory().config.put(STAGELESS)  # type: ignore[arg-type]
    first, *lines = str(caught.value).split("\n")
    assert first.startswith("`config`: ") and len(lines) == 2 == len(caught.value.violations)
    assert lines[0] == "  `config.pipelines[0].stages`: the pipeline `sales` has no stage of kind `won`: add one"
    assert {type(each) for each in caught.value.violations} == {ValidationError}
    # A finding has no details, so that it reads as the engine wrote it.
    assert lines[0] in render(caught.value, "zh")


def test_lists_are_rendered_as_the_engine_does() -> None:
    with pytest.raises(ValidationError) as caught:
        money.round(value="1", increment="0.05", mode="half")  # type: ignore[arg-type]
    assert "`floor`, `ceiling`, " in caught.value.message
    assert render(caught.value) == caught.value.message
    nothing = render({"code": "unknown_variant", "details": {"value": "x", "known": [], "hint": "h"}})
    assert nothing == "`x` is not one of -: h"


def test_the_only_required_field_may_stand_alone() -> None:
    assert currencies.get("JPY").value.minor_unit_digits == 0
    assert not config.lint(STAGELESS).value.valid  # type: ignore[arg-type]
    crm = Crm.in_memory()
    user = crm.users.create("Ada", id="u1").value
    assert crm.users.get("u1").value == user
    with pytest.raises(TypeError, match="positional argument"):
        crm.price_books.lookup("b1", ["p1"])  # type: ignore[misc]


def test_a_closed_engine_is_to_be_opened_again() -> None:
    crm = Crm.in_memory()
    crm.close()
    with pytest.raises(ValidationError, match="^this engine is closed, or was opened elsewhere: open it again$") as caught:
        crm.users.find()
    assert caught.value.code == "unknown_engine" and caught.value.render("zh").startswith("此引擎已关闭")


def test_a_decision_names_the_function_that_is_missing() -> None:
    with pytest.raises(LookupError, match="needs a list of the kind `user`: give a function `find` from a need to `found"):
        decide_with("users.find", {}, {"user": lambda id: None})
    with pytest.raises(LookupError, match="needs events: give a function `events` from a need to `happened"):
        decide_with("events.list", {}, {})


@pytest.mark.parametrize("step", ["users.create", ("users.create",), ("users.create", {}, 5), None, ["users.create"]])
def test_an_item_of_a_batch_is_shown(step: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        Crm.in_memory().batch([("users.find", {}), step])
    assert (caught.value.code, caught.value.path) == ("wrong_type", "requests[1]")
    assert '`("users.get", {"id": "u1"})`' in str(caught.value)


def test_a_batch_is_a_list() -> None:
    for steps in ("users.find", {"op": "users.find", "input": {}}):
        with pytest.raises(ValidationError, match="`requests`: expected a list of"):
            Crm.in_memory().batch(steps)  # type: ignore[call-overload]
        with pytest.raises(crm_core.CrmError):
            asyncio.run(AsyncCrm.in_memory().batch(steps))  # type: ignore[call-overload]
