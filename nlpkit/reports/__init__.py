"""Pages for people: the report of a training run, comparisons of runs, mistakes by kind."""

from typing import TYPE_CHECKING

from nlpkit.on_demand import on_demand

if TYPE_CHECKING:
    from nlpkit.reports.comparison import compare
    from nlpkit.reports.drawing import draw
    from nlpkit.reports.mistakes import Mistakes, find_mistakes
    from nlpkit.reports.mistakes_page import check_mistakes_file, write_mistakes
    from nlpkit.reports.report import write_report

__all__ = [
    "Mistakes",
    "check_mistakes_file",
    "compare",
    "draw",
    "find_mistakes",
    "write_mistakes",
    "write_report",
]

__getattr__ = on_demand(__name__)
