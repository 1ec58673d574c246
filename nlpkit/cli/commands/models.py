"""``nlpkit models``"""

from __future__ import annotations

import dataclasses
import json

from nlpkit.artefacts.bundled import card_of, models
from nlpkit.cli.parsing import Parser, Run, add_json


def parse(program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command."""
    parser = Parser(program, "List the bundled models, or show the card of one.")
    parser.add_argument("name", nargs="?", metavar="NAME", help="name of a model to show the card of")
    add_json(parser)
    args = parser.parse_args(arguments)
    cards = models() if args.name is None else {args.name: card_of(args.name)}

    def run() -> None:
        if args.json:
            print(json.dumps({name: dataclasses.asdict(card) for name, card in cards.items()}, ensure_ascii=False))
        elif args.name is None:
            for name, card in cards.items():
                print(f"{name:<12} {card.task:<9} {card.size / 1e6:4.1f} MB  {card.summary}")
        else:
            print(cards[args.name])

    return run
