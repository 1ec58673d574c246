"""Loss functions: classes for Keras models, and functions with their derivatives."""

from nlpkit.losses.contrastive import ContrastiveLoss
from nlpkit.losses.cosent import CoSENTLoss
from nlpkit.losses.linear_chain import CRFLoss, PathLoss
from nlpkit.losses.margin_softmax import AMSoftmaxLoss, ArcFaceLoss, ScaledSoftmaxLoss, SimplerMarginLoss
from nlpkit.losses.pair_logistic import PairLogisticLoss
from nlpkit.losses.sampled import negative_sampling, sampled_softmax
from nlpkit.losses.sequence import SequenceLikelihood

__all__ = [
    "AMSoftmaxLoss",
    "ArcFaceLoss",
    "CRFLoss",
    "CoSENTLoss",
    "ContrastiveLoss",
    "PairLogisticLoss",
    "PathLoss",
    "ScaledSoftmaxLoss",
    "SequenceLikelihood",
    "SimplerMarginLoss",
    "negative_sampling",
    "sampled_softmax",
]
