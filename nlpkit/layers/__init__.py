"""Keras layers, each usable alone in any Keras 3 model."""

from nlpkit.layers.centre_loss import CentreLoss
from nlpkit.layers.class_cosines import ClassCosines
from nlpkit.layers.crf import CRF
from nlpkit.layers.encoders import encode_text
from nlpkit.layers.gated_conv import GatedConv
from nlpkit.layers.gold_scores import GoldScores
from nlpkit.layers.memm import MEMM
from nlpkit.layers.pooling import pool_text
from nlpkit.layers.row_embedding import RowEmbedding
from nlpkit.layers.tag_softmax import TagSoftmax
from nlpkit.layers.token_dropout import TokenDropout
from nlpkit.layers.viterbi_decoder import ViterbiDecoder

__all__ = [
    "CRF",
    "MEMM",
    "CentreLoss",
    "ClassCosines",
    "GatedConv",
    "GoldScores",
    "RowEmbedding",
    "TagSoftmax",
    "TokenDropout",
    "ViterbiDecoder",
    "encode_text",
    "pool_text",
]
