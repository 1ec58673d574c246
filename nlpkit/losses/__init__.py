"""Loss functions: classes for Keras models, and functions with their derivatives."""

from nlpkit.losses.contrastive import ContrastiveLoss
from nlpkit.losses.cosent import CoSENTLoss
from nlpkit.losses.linear_chain import CRFLoss, PathLoss
from nlpkit.losses.margin_softmax import AMSoftmaxLoss, ArcFaceLoss, ScaledSoftmaxLoss, SimplerMarginLoss
from nlpkit.losses.multi_label import (
    MultiLabelCrossEntropy,
    SigmoidPowerCrossEntropy,
    multi_label_cross_entropy,
    sigmoid_power_cross_entropy,
)
from nlpkit.losses.pair_logistic import PairLogisticLoss
from nlpkit.losses.sampled import negative_sampling, sampled_softmax
from nlpkit.losses.sequence import SequenceLikelihood

__all__ = [
    "AMSoftmaxLoss",
    "ArcFaceLoss",
    "CRFLoss",
    "CoSENTLoss",
    "ContrastiveLoss",
    "MultiLabelCrossEntropy",
    "PairLogisticLoss",
    "PathLoss",
    "ScaledSoftmaxLoss",
    "SequenceLikelihood",
    "SigmoidPowerCrossEntropy",
    "SimplerMarginLoss",
    "multi_label_cross_entropy",
    "negative_sampling",
    "sampled_softmax",
    "sigmoid_power_cross_entropy",
]
