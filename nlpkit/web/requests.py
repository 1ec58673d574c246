"""The body of a request: what it may hold, and reading it without trust."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nlpkit.errors import ConfigError, unknown_name
from nlpkit.options import FILE, MODEL
from nlpkit.web.batching import PredictRequest
from nlpkit.web.options import ServerOptions

FIELDS = ("records", "options", "show")
SHOWN = ("", "html", "picture")
"""What may be shown beside answers: HTML, or HTML and a picture."""


class Refusal(Exception):
    """A request that is not answered: a status of HTTP, and the reason, for whoever sent it."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status, self.reason = status, reason


def read_request(body: bytes, declaration: Any, limits: ServerOptions) -> PredictRequest:
    """What a request asks.

    Args:
        body: ``{"records": [...], "options": {...}, "show": "html"}``, of which only the first must be there. A record
            is a text, a list of the parts of one, or an object with the fields of a JSON line. What `show` may be, see
            `SHOWN`.
        declaration: of the model's task.
        limits: of the server.

    Raises:
        Refusal: if it is something else, or too much.
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


def _parsed(body):
    def refuse(constant):
        raise Refusal(400, f"the body holds {constant}, which is no JSON")

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


def _characters(value):
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(len(key) + _characters(each) for key, each in value.items())
    return sum(map(_characters, value)) if isinstance(value, list) else 1


def _options(values, declaration, limits):
    """Prediction options, none of which reads a file of this machine or makes one request take the work of many."""
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
