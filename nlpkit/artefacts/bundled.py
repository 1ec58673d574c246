"""The trained models that come with nlpkit: found by name wherever a folder is asked for, each with a card."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from importlib import resources
from pathlib import Path

from nlpkit.errors import ConfigError, nearest, unknown_name

_CARD = "card.toml"


@dataclasses.dataclass(frozen=True)
class Source:
    """Data that a model was trained on.

    Attributes:
        name: of the data.
        repository: where they are from, ``owner/name``.
        licence: under which they are handed out.
        attribution: who made them.
    """

    name: str
    repository: str
    licence: str
    attribution: str


@dataclasses.dataclass(frozen=True)
class Card:
    """The card of a bundled model: its purpose, data, figures, licence and limits.

    Attributes:
        name: by which `nlpkit.load` opens it.
        task: that of the model.
        summary: what it does, a phrase.
        licence: of the model.
        limits: what not to expect of it.
        example: a record that it answers.
        data: what it was trained on.
        figures: seen on data that it was not trained on, by what they are of.
        size: of all that prediction needs, bytes.
    """

    name: str
    task: str
    summary: str
    licence: str
    limits: str
    example: str
    data: tuple[Source, ...]
    figures: dict[str, float]
    size: int

    def __str__(self) -> str:
        sources = "".join(
            f"\n  {each.name} ({each.repository}), {each.licence}: {each.attribution}" for each in self.data
        )
        figures = "".join(f"\n  {name}: {value:.4g}" for name, value in self.figures.items())
        return (
            f"{self.name}: {self.summary}\ntask: {self.task}\nsize: {self.size / 1e6:.1f} MB\nlicence: {self.licence}\n"
            f"trained on:{sources}\nfigures:{figures}\nlimits: {self.limits}\nexample: {self.example}"
        )


def models() -> dict[str, Card]:
    """The cards of the bundled models, by name.

    Example:

        >>> [*models()]
        ['zh-title', 'zh-vectors', 'zh-verse', 'zh-words']
    """
    return {name: card_of(name) for name in names()}


def names() -> list[str]:
    """Names of the bundled models."""
    home = _home()
    return sorted(path.parent.name for path in home.glob(f"*/{_CARD}")) if home.is_dir() else []


def card_of(name: str) -> Card:
    """The card of a model.

    Raises:
        ConfigError: if there is no such model.
    """
    if name not in names():
        raise ConfigError(unknown_name("model", name, names()))
    folder = _home() / name
    card = tomllib.loads((folder / _CARD).read_text("utf-8"))
    manifest = json.loads((folder / "task.json").read_text("utf-8"))
    sources = tuple(Source(**each) for each in card.pop("data"))
    return Card(name=name, task=manifest["task"], data=sources, size=sum(manifest["sizes"].values()), **card)


def bundled_folder(name: Path) -> Path | None:
    """The folder of the bundled model of that name; None if there is a folder of that name, or no such model."""
    is_bundled = len(name.parts) == 1 and not name.exists() and name.name in names()
    return _home() / name.name if is_bundled else None


def hint(folder: str | Path) -> str:
    """Advice about a folder that does not exist: the bundled model with the nearest name."""
    near = nearest(str(folder), names())
    return f"did you mean the model {near}?" if near else "nlpkit models lists the bundled ones"


def _home() -> Path:
    return Path(str(resources.files("nlpkit"))) / "data" / "models"
