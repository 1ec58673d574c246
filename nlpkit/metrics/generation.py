"""Metrics of generated texts."""

from collections.abc import Sequence

from nlpkit.errors import MissingPackageError


def bleu(references: Sequence[str], answers: Sequence[str]) -> float:
    """Corpus BLEU-4 over characters by sacrebleu (tokenizer `char`, no smoothing, one reference).

    Args:
        references: reference texts.
        answers: generated texts, one for each reference.

    Returns:
        From 0 to 100.

    Raises:
        MissingPackageError: without sacrebleu.

    References:
        Papineni et al. (2002); Post (2018), A Call for Clarity in Reporting BLEU Scores.
    """
    try:
        from sacrebleu.metrics import BLEU
    except ImportError:
        raise MissingPackageError("sacrebleu", "metrics") from None
    return BLEU(tokenize="char", smooth_method="none").corpus_score(list(answers), [list(references)]).score


def distinct(answers: Sequence[str], n: int) -> float:
    """Distinct-n: the share of distinct n-grams among all n-grams of characters of texts.

    Args:
        answers: texts.
        n: length of the n-grams.

    Returns:
        From 0 to 1.

    Example:

        >>> distinct(["春风", "春雨"], 1)
        0.75

    References:
        Li et al. (2016), A Diversity-Promoting Objective Function for Neural Conversation Models.
    """
    grams = [answer[i : i + n] for answer in answers for i in range(len(answer) - n + 1)]
    return len(set(grams)) / max(len(grams), 1)
