"""Search for the best answers of a model, and among vectors."""

from nlpkit.decoding.beam_search import beam_search
from nlpkit.decoding.communities import communities
from nlpkit.decoding.marks import pair_marks
from nlpkit.decoding.nearest import NearestRows
from nlpkit.decoding.sample import sample

__all__ = ["NearestRows", "beam_search", "communities", "pair_marks", "sample"]
