"""Damaged and hostile input, the same for the same seed."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from pathlib import Path
from typing import Any

_VALUES = [
    None, True, 0, -1, 1, 2**70, 1e308, float("nan"), "", "x" * 1000, [], {}, [[]], {"a": {}}, [1, 2],
    "../../etc/passwd", "model.keras", ["a"] * 50,
]  # fmt: skip
_NEVER_READ = ("history.csv", "report.html", "metrics.json")


def mutated_bytes(content: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, removed, put in or repeated; or the end cut off."""
    found = bytearray(content)
    for _ in range(rng.choice([1, 1, 3, 10])):
        place = rng.randrange(len(found) + 1)
        kind = rng.randrange(5)
        if kind == 0 and place < len(found):
            found[place] = rng.randrange(256)
        elif kind == 1:
            del found[place : place + rng.randrange(1, 20)]
        elif kind == 2:
            found[place:place] = bytes(rng.randrange(256) for _ in range(5))
        elif kind == 3:
            found[place:place] = found[place : place + 30]
        elif rng.random() < 0.2:
            del found[place:]
    return bytes(found)


def mutated_value(value: Any, rng: random.Random) -> Any:
    """One place of a JSON value set to something else, removed, or with something beside it."""
    places = [place for place in _places(value) if place]
    *way, last = rng.choice(places)
    holder = value
    for key in way:
        holder = holder[key]
    kind = rng.randrange(3)
    if kind == 0:
        holder[last] = rng.choice(_VALUES)
    elif kind == 1:
        del holder[last]
    elif isinstance(holder, dict):
        holder[rng.choice(["x", "settings", "files", "epochs"])] = rng.choice(_VALUES)
    return value


def _places(value, place=()):
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value[:5]) if isinstance(value, list) else ()
    for key, each in items:
        yield from _places(each, (*place, key))


def mutate_folder(source: Path, target: Path, rng: random.Random) -> str:
    """A copy of a trained folder with one file mutated. Of a file that is listed with its hash the hash is that of the
    mutated one, as an attacker would have it.

    Returns:
        The name of the file.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("resume"))
    manifest = target / "task.json"
    path = rng.choice([manifest, *sorted(path for path in target.iterdir() if path.name not in _NEVER_READ)])
    if path == manifest and rng.random() < 0.7:
        value = mutated_value(json.loads(manifest.read_text("utf-8")), rng)
        manifest.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
        return path.name
    path.write_bytes(mutated_bytes(path.read_bytes(), rng))
    if path != manifest:
        content = json.loads(manifest.read_text("utf-8"))
        content["files"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        manifest.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return path.name
