"""The golden vectors, answered by this package: whole answers, byte by byte; and once more over a store written in Python."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import crm_core
from crm_core import AsyncCrm, Crm, _crm
from stores import AsyncDictRepository, DictRepository

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "vectors"
FILES = sorted(FOLDER.glob("*/*.json"))
MANIFEST = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))


def text(value: Any) -> str:
    """The canonical text of a value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def request(file: dict[str, Any], step: dict[str, Any]) -> str:
    out = {"op": step["op"], "context": {**file.get("context", {}), **step.get("context", {})}}
    if "config" in file:
        out["config"] = file["config"]
    for name in ("input", "wire", "explain", "idempotency_key", "expect_version", "facts", "store"):
        if name in step:
            out[name] = step[name]
    return text(out)


def steps(file: dict[str, Any], step: dict[str, Any]) -> tuple[Any, str]:
    handle = 0
    every = []
    for answers in [None, *step["answers"]]:
        said = _crm.begin(request(file, step)) if answers is None else _crm.resume(handle, text(answers))
        plain = json.loads(said)
        handle = plain.pop("handle", 0)
        every.append(plain)
    _crm.abort(handle)
    return every, text(every[-1])


def answered(crm: Crm, file: dict[str, Any], step: dict[str, Any]) -> tuple[Any, str]:
    mode = step.get("mode", "engine")
    if mode == "steps":
        return steps(file, step)
    if mode == "engine":
        said = crm.call_json(request(file, step))
    elif mode == "pure":
        said = crm_core.call_json(request(file, step))
    elif mode == "text":
        said = crm_core.call_json(step["request"])
    elif mode == "decide":
        said = _crm.decide(request(file, step))
    else:
        raise AssertionError(f"unknown mode {mode}")
    return json.loads(said), said


def check(path: Path) -> None:
    file = json.loads(path.read_text(encoding="utf-8"))
    with Crm.in_memory() as crm:
        for place, step in enumerate(file["steps"]):
            answer, said = answered(crm, file, step)
            assert answer == step["expect"], f"step {place}"
            assert hashlib.sha256(said.encode()).hexdigest() == step["sha256"], f"step {place}: {said}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_vector(path: Path) -> None:
    if '"steps",' not in path.read_text(encoding="utf-8"):
        return check(path)
    # Handles are counted from the start of a process, and refusals name them.
    program = f"import pathlib, test_vectors; test_vectors.check(pathlib.Path({str(path)!r}))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def stored(file: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    every = [(place, step) for place, step in enumerate(file["steps"]) if step.get("mode", "engine") == "engine"]
    # The cursors of events are each store's own.
    return [(place, step) for place, step in every if step["op"] != "events.list"]


STORED = [path for path in FILES if stored(json.loads(path.read_text(encoding="utf-8")))]


@pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_vector_over_a_store_in_python(path: Path) -> None:
    file = json.loads(path.read_text(encoding="utf-8"))
    crm = Crm(DictRepository())
    for place, step in stored(file):
        assert json.loads(crm.call_json(request(file, step))) == step["expect"], f"step {place}"


@pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_vector_over_an_awaited_store(path: Path) -> None:
    file = json.loads(path.read_text(encoding="utf-8"))

    async def run() -> None:
        crm = AsyncCrm(AsyncDictRepository())
        for place, step in stored(file):
            assert json.loads(await crm.call_json(request(file, step))) == step["expect"], f"step {place}"

    asyncio.run(run())


def test_every_vector_was_there() -> None:
    counted = sum(len(json.loads(path.read_text(encoding="utf-8"))["steps"]) for path in FILES)
    assert (len(FILES), counted) == (MANIFEST["counts"]["files"], MANIFEST["counts"]["steps"])
