"""Losses of a right answer against a few wrong ones drawn at random, with their derivatives written out."""

from keras import ops


def negative_sampling(positive, negative, positive_weights, negative_weights):
    """Each score is a logistic regression by itself: right answers up, drawn ones down.

    Args:
        positive: float ``(…, answers)``, scores of right answers.
        negative: float ``(…, drawn)``, scores of drawn ones, which all answers of a row share.
        positive_weights, negative_weights: of the same shapes.

    Returns:
        A function that gives the loss, a sum; and its derivatives by `positive` and by `negative`.

    References:
        Mikolov et al. (2013), Distributed Representations of Words and Phrases and their Compositionality.
    """

    def loss():
        return ops.sum(positive_weights * ops.softplus(-positive)) + ops.sum(negative_weights * ops.softplus(negative))

    return loss, -ops.sigmoid(-positive) * positive_weights, ops.sigmoid(negative) * negative_weights


def sampled_softmax(positive, negative, positive_weights, negative_weights):
    """A softmax over one right answer and the drawn ones, for each right answer.

    Arguments and returns are those of `negative_sampling`. A drawn answer counts in the denominator as often as its
    weight is times that of the right answers of its row.

    References:
        Jean et al. (2015), On Using Very Large Target Vocabulary for Neural Machine Translation. Su (2017), who calls
        it random softmax: https://spaces.ac.cn/archives/4402
    """
    total = ops.sum(positive_weights, axis=-1, keepdims=True)
    times = negative_weights / ops.maximum(total, 1e-9)
    top = ops.maximum(ops.max(positive, axis=-1, keepdims=True), ops.max(negative, axis=-1, keepdims=True))
    own, drawn = ops.exp(positive - top), ops.exp(negative - top) * times
    every = own + ops.sum(drawn, axis=-1, keepdims=True)

    def loss():
        return ops.sum(positive_weights * (ops.log(every) + top - positive))

    share = positive_weights / every
    return loss, share * own - positive_weights, drawn * ops.sum(share, axis=-1, keepdims=True)
