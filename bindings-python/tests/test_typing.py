"""What type checkers see: a typed program, strictly checked, with the mistakes that must be found marked in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_a_typed_program(tmp_path: Path) -> None:
    words = ["-m", "mypy", "--strict", "--cache-dir", str(tmp_path), "--config-file", "../pyproject.toml", "typed_use.py"]
    ran = subprocess.run([sys.executable, *words], cwd=HERE, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
