"""Keras layers, each usable alone in any Keras 3 model."""

from nlpkit.layers import inside
from nlpkit.layers.centre_loss import CentreLoss
from nlpkit.layers.character_cnn import CharacterCNN
from nlpkit.layers.class_cosines import ClassCosines, unit_vectors
from nlpkit.layers.conditional_norm import ConditionalLayerNorm
from nlpkit.layers.copying import CopyAttention, CopySwitch, gold_log_probability, likeliest
from nlpkit.layers.crf import CRF
from nlpkit.layers.encoders import encode_text
from nlpkit.layers.gated_conv import GatedConv
from nlpkit.layers.global_pointer import GlobalPointer
from nlpkit.layers.gold_scores import GoldScores
from nlpkit.layers.half_pointers import HalfPointers
from nlpkit.layers.known_relations import KnownRelations, relation_flags
from nlpkit.layers.masked_gru import MaskedGRU
from nlpkit.layers.memm import MEMM
from nlpkit.layers.mixed_embedding import MixedEmbedding
from nlpkit.layers.pooling import pool_text
from nlpkit.layers.row_embedding import RowEmbedding
from nlpkit.layers.source_prior import SourcePrior
from nlpkit.layers.span_candidates import SpanCandidates
from nlpkit.layers.span_condition import SpanCondition
from nlpkit.layers.span_pairs import SpanPairs
from nlpkit.layers.tag_softmax import TagSoftmax
from nlpkit.layers.tied_embedding import TiedEmbedding
from nlpkit.layers.token_dropout import TokenDropout
from nlpkit.layers.visible_attention import VisibleAttention
from nlpkit.layers.viterbi_decoder import ViterbiDecoder

__all__ = [
    "SpanCandidates",
    "KnownRelations",
    "SpanPairs",
    "SpanCondition",
    "MixedEmbedding",
    "HalfPointers",
    "GlobalPointer",
    "CRF",
    "MEMM",
    "CentreLoss",
    "CharacterCNN",
    "ClassCosines",
    "ConditionalLayerNorm",
    "CopyAttention",
    "CopySwitch",
    "GatedConv",
    "GoldScores",
    "MaskedGRU",
    "RowEmbedding",
    "SourcePrior",
    "TagSoftmax",
    "TiedEmbedding",
    "TokenDropout",
    "ViterbiDecoder",
    "VisibleAttention",
    "encode_text",
    "gold_log_probability",
    "inside",
    "likeliest",
    "pool_text",
    "relation_flags",
    "unit_vectors",
]
