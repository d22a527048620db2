"""Caption metrics: BLEU, ROUGE-L and CIDEr-D under the protocol of the published figures."""

from utils.metrics.agreement import kendall_tau_c
from utils.metrics.bleu import bleu_4_scores
from utils.metrics.cider_d import CiderD, cider_d_scores
from utils.metrics.resampling import (
    bootstrap_intervals,
    draw_pictures,
    intervals_of,
    resampled_scores,
)
from utils.metrics.rouge import rouge_l_scores
from utils.metrics.scores import human_ceiling, protocol_errors, score_captions

__all__ = [
    "CiderD",
    "bleu_4_scores",
    "bootstrap_intervals",
    "cider_d_scores",
    "draw_pictures",
    "human_ceiling",
    "intervals_of",
    "kendall_tau_c",
    "protocol_errors",
    "resampled_scores",
    "rouge_l_scores",
    "score_captions",
]
