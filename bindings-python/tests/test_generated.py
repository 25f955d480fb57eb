"""What is generated: complete, documented, and true to the engine."""

from __future__ import annotations

import inspect
import json
import typing
from typing import Any

import pydantic
import pytest

import crm_core
from crm_core import AsyncCrm, Crm, _crm, models
from crm_core._generated import areas, async_areas, inputs, pure
from crm_core._generated.operations import KINDS, OPERATIONS

DESCRIBED = json.loads(_crm.describe())
NAMES = [operation["name"] for operation in DESCRIBED["operations"]]


def method(facade: type, name: str) -> Any:
    area, method = name.split(".")
    return getattr(typing.get_type_hints(getattr(facade, area).fget)["return"], method)


def test_the_table_is_the_engines() -> None:
    assert {name: operation.effect for name, operation in OPERATIONS.items() if name != "batch"} == {
        operation["name"]: operation["effect"] for operation in DESCRIBED["operations"]
    }
    assert crm_core.__version__ == DESCRIBED["version"]
    assert set(pure.__all__) == {name.split(".")[0] for name in NAMES if OPERATIONS[name].effect == "pure"}


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_has_its_methods(name: str) -> None:
    waiting, awaited = method(Crm, name), method(AsyncCrm, name)
    assert inspect.iscoroutinefunction(awaited) and not inspect.iscoroutinefunction(waiting)
    for made, kind in ((waiting, areas), (awaited, async_areas)):
        hints = typing.get_type_hints(made, vars(kind))
        assert hints["return"] == crm_core.Answer[OPERATIONS[name].answer]  # type: ignore[misc]
        documented = inspect.getdoc(made) or ""
        assert len(documented.splitlines()[0]) > 10
        for parameter in list(inspect.signature(made).parameters)[1:-1]:
            assert f"    {parameter}: " in documented, f"{name}: {parameter} is not documented"
    assert str(inspect.signature(waiting)) == str(inspect.signature(awaited))


def public(value: Any) -> list[tuple[str, Any]]:
    return [
        (name, each)
        for name, each in vars(value).items()
        if not name.startswith("_") and (inspect.isfunction(each) or isinstance(each, (classmethod, property)))
    ]


def test_everything_public_is_documented() -> None:
    bare = []
    for name in crm_core.__all__:
        value = getattr(crm_core, name)
        if inspect.ismodule(value) or inspect.isclass(value) or inspect.isfunction(value):
            if not value.__doc__:
                bare.append(name)
        if inspect.isclass(value) and value.__module__.startswith("crm_core"):
            bare += [f"{name}.{own}" for own, each in public(value) if not inspect.getdoc(each)]
    assert bare == []


def test_every_model_can_be_built_and_says_what_it_is() -> None:
    made = [value for value in vars(models).values() if inspect.isclass(value) and issubclass(value, pydantic.BaseModel)]
    assert len(made) > 60
    for model in made:
        model.model_rebuild()
        schema = model.model_json_schema()
        # One that holds itself is written as a reference.
        assert model.__doc__ and schema.get("$defs", {}).get(model.__name__, schema)["type"] == "object"
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"


def test_readers_ignore_what_a_newer_engine_adds() -> None:
    answer = crm_core.quotes.price(currency="USD", lines=[{"quantity": 1, "unit_price": 1}]).value
    plain = json.loads(answer.model_dump_json())
    plain["lines"][0]["of_tomorrow"] = plain["of_tomorrow"] = 1
    assert crm_core._wire.typed(plain, models.PricedQuote) == answer
    rules = {"version": 1, "of_tomorrow": 1, "pipelines": [{"id": "p", "stages": [{"id": "s", "of_tomorrow": 1}]}]}
    assert crm_core._wire.typed(rules, models.Config).pipelines[0].stages[0].id == "s"
    with pytest.raises(pydantic.ValidationError):
        models.Config.model_validate(rules)


def test_models_and_dictionaries_have_the_same_fields() -> None:
    for name in inputs.__all__:
        given, model = getattr(inputs, name), getattr(models, name.removesuffix("Input"))
        if not inspect.isclass(given):
            continue  # one of several plain values
        hints = typing.get_type_hints(given, include_extras=True)
        fields = {field.alias or own: field.is_required() for own, field in model.model_fields.items()}
        assert {own: typing.get_origin(hint) is not typing.NotRequired for own, hint in hints.items()} == fields, name


def test_every_kind_of_record_has_its_model() -> None:
    for kind, model in KINDS.items():
        assert "id" in model.model_fields, kind  # type: ignore[attr-defined]
    names = {"account", "configuration", "history", "intent", "opportunity", "price_book", "product", "stuck_timer", "task", "user"}
    assert set(KINDS) >= names and KINDS["history"] is models.HistoryEntry
