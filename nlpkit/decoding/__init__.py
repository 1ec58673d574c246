"""Search for the best answers of a model, and among vectors."""

from typing import TYPE_CHECKING

from nlpkit.decoding.communities import communities  # of its module's name, which would hide it later
from nlpkit.on_demand import on_demand

if TYPE_CHECKING:
    from nlpkit.decoding.beams import beam_search
    from nlpkit.decoding.nearest import nearest_rows
    from nlpkit.decoding.sampling import sample
    from nlpkit.decoding.span_boundaries import pair_boundaries
    from nlpkit.decoding.tag_paths import Chain, best_tags, path_posteriors

__all__ = [
    "Chain",
    "beam_search",
    "best_tags",
    "communities",
    "nearest_rows",
    "pair_boundaries",
    "path_posteriors",
    "sample",
]

__getattr__ = on_demand(__name__)
