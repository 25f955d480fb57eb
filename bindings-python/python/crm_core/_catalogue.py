"""Codes as sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ._generated.catalogue import CODES, WORDS

_PLACE = re.compile(r"\{([^{}]*)\}")


def render_code(code: str, details: Mapping[str, Any], locale: str) -> str:
    """A code's sentence in English or Chinese; the code itself when it is not known."""
    if code not in CODES:
        return code
    _, english, chinese = CODES[code]
    template = chinese if _language(locale) == "zh" else english

    def filled(place: re.Match[str]) -> str:
        name = place[1]
        return _shown(name, details[name], locale) if name in details else place[0]

    return _PLACE.sub(filled, template)


def _language(locale: str) -> str:
    language = re.split(r"[-_]", locale.strip().lower(), maxsplit=1)[0]
    if language not in ("en", "zh"):
        raise ValueError(f"`{locale}` is not a language of the catalogue: use `en` or `zh`")
    return language


def _shown(name: str, value: Any, locale: str) -> str:
    if isinstance(value, str):
        return WORDS.get(f"{name}.{value}", value) if _language(locale) == "zh" else value
    if isinstance(value, Mapping) and value.get("code") in CODES:
        # A hint, or what lies behind a failure, is a sentence of its own.
        return render_code(value["code"], value.get("params") or {}, locale)
    if isinstance(value, list):
        return ", ".join(f"`{each if isinstance(each, str) else _json(each)}`" for each in value) or "-"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
