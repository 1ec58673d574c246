"""``nlpkit evaluate MODEL``"""

from __future__ import annotations

import json

from nlpkit.cli.parsing import Run, add_json, parse_labelled, share_cores


def parse(program: str, arguments: list[str]) -> Run:
    """Parse the arguments of the command."""
    folder, task, args, reading = parse_labelled(program, arguments, "Measure a model on labelled data", add_json)

    def run() -> None:
        share_cores(task.batches_at_once)
        from nlpkit.artefacts.load import evaluate

        metrics = evaluate(folder, args.data, runtime=args.runtime, **reading)
        if args.json:
            print(json.dumps(metrics, ensure_ascii=False))
        else:
            from nlpkit.cli.tables import print_metrics

            print_metrics(metrics)

    return run
