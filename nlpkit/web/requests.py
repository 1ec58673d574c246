"""Parsing and validation of request bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from nlpkit.errors import ConfigError, unknown_name
from nlpkit.options import FILE, MODEL
from nlpkit.web.batching import PredictRequest
from nlpkit.web.options import ServerOptions

if TYPE_CHECKING:
    from nlpkit.prediction.predictor import PredictorDeclaration

FIELDS = ("records", "options", "show")
SHOWN = ("", "html", "picture")
"""Values of ``show``: nothing, HTML, or HTML with a plot."""


class Refusal(Exception):
    """A refused request: an HTTP status, and the reason for the client."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status, self.reason = status, reason


def read_request(body: bytes, declaration: PredictorDeclaration, limits: ServerOptions) -> PredictRequest:
    """Parse the body of a request.

    Args:
        body: ``{"records": [...], "options": {...}, "show": "html"}``, of which only ``records`` is required. A record
            is a text, a list of its parts, or an object with the fields of a JSON line; ``show`` is one of `SHOWN`.
        declaration: declaration of the model's task.
        limits: limits of the server.

    Raises:
        Refusal: if the body is malformed or exceeds a limit.
    """
    content = _parsed(body)
    if not isinstance(content, dict):
        raise Refusal(400, 'the body must be a JSON object, such as {"records": ["今天天气真好"]}')
    for name in content:
        if name not in FIELDS:
            raise Refusal(400, unknown_name("field", name[:100], FIELDS))
    records, values, show = content.get("records"), content.get("options", {}), content.get("show", "")
    if not isinstance(records, list) or not records:
        raise Refusal(400, "records must be a list of one record or more")
    if not isinstance(values, dict):
        raise Refusal(400, "options must be an object")
    if show not in SHOWN:
        raise Refusal(400, unknown_name("show", str(show)[:100], SHOWN[1:]))
    if len(records) > limits.max_records:
        raise Refusal(413, f"{len(records):,} records: at most {limits.max_records:,} may come in one request")
    count = sum(map(_characters, records))
    if count > limits.max_characters:
        raise Refusal(413, f"{count:,} characters: at most {limits.max_characters:,} may come in one request")
    made = _options(values, declaration, limits)
    return PredictRequest([tuple(each) if isinstance(each, list) else each for each in records], made, show)


def _parsed(body: bytes) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise Refusal(400, f"the body holds {constant}, which is not JSON")

    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(400, f"the body is not UTF-8: byte {error.start:,}") from None
    try:
        content = json.loads(text, parse_constant=refuse)
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Refusal(400, "the body holds half of a surrogate pair") from None
    except json.JSONDecodeError as error:
        raise Refusal(400, f"the body is not JSON: {error.msg}, at character {error.pos:,}") from None
    except (ValueError, RecursionError):
        raise Refusal(400, "the body holds too long a number, or is nested too deeply") from None
    return content


def _characters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(len(key) + _characters(each) for key, each in value.items())
    return sum(map(_characters, value)) if isinstance(value, list) else 1


def _options(values: Mapping[str, Any], declaration: PredictorDeclaration, limits: ServerOptions) -> Any:
    """Prediction options; refuse those that read a file of this machine or exceed a limit."""
    for each in declaration.prediction.declared():
        value = values.get(each.name)
        if each.metavar in (FILE, MODEL) and isinstance(value, (str, Path)):
            raise Refusal(400, f"{each.name}: no file can be named here; give its content, as a list or an object")
        if each.metavar != FILE and _characters(value) > 1000:
            raise Refusal(400, f"{each.name}: is too long")
        if type(value) is int and each.name != "seed" and abs(value) > limits.max_option:
            raise Refusal(400, f"{each.name} = {value:.3e}: at most {limits.max_option:,} here")
    try:
        return declaration.prediction.create(values)
    except ConfigError as error:
        raise Refusal(400, str(error)) from None
