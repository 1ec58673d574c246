"""Search for the best answers of a model that writes one symbol after the other."""

from nlpkit.decoding.beam_search import beam_search

__all__ = ["beam_search"]
