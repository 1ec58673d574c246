"""The models that come with nlpkit: size, licence, figures, first answer, answers a second. Prints Markdown.

    python scripts/benchmarks/models.py

Each is measured by `nlpkit.benchmark`, with the few records that its task takes for itself.
"""

import argparse

import nlpkit


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print("| model | task | size | licence | first answer, s | one answer, ms | answers/s, 64 at once | memory, MB |")
    print("|---|---|---:|---|---:|---:|---:|---:|")
    cards = nlpkit.models()
    for name, card in cards.items():
        seen = nlpkit.benchmark(name, runtimes=["onnx"])["onnx"]
        print(
            f"| `{name}` | {card.task} | {card.size / 1e6:.1f} MB | {card.licence} | {seen['first_answer']:.2f} | "
            f"{seen['p50']:.2f} | {seen['records/s at 64']:,.0f} | {seen['memory']:.0f} |"
        )
    print("\n| model | figure | value |\n|---|---|---:|")
    for name, card in cards.items():
        for figure, value in card.figures.items():
            print(f"| `{name}` | {figure} | {value:.4g} |")
    print(f"\n{sum(card.size for card in cards.values()) / 1e6:.1f} MB in all")


if __name__ == "__main__":
    main()
