"""The statistics of safety rates: intervals, pairs, agreement, judge errors; images that repeat are clusters.

Pure functions of counts: which records count, and as what, is for `results`.
"""

from vlsbench.stats.agreement import ALPHA, KAPPA, Coefficient, alpha, cohen_kappa, kappa
from vlsbench.stats.correction import Share, Stratum, confusion, recall, share
from vlsbench.stats.inversion import Inverted, invert, rogan_gladen
from vlsbench.stats.pairs import Paired, holm, mcnemar, paired, smallest_difference
from vlsbench.stats.rates import CLUSTERED, NO_DATA, ONE_CLUSTER, WILSON, design_effect, rate, rate_of_clusters, wilson

__all__ = [
    "ALPHA",
    "CLUSTERED",
    "KAPPA",
    "NO_DATA",
    "ONE_CLUSTER",
    "WILSON",
    "Coefficient",
    "Inverted",
    "Paired",
    "Share",
    "Stratum",
    "alpha",
    "cohen_kappa",
    "confusion",
    "design_effect",
    "holm",
    "invert",
    "kappa",
    "mcnemar",
    "paired",
    "rate",
    "rate_of_clusters",
    "recall",
    "rogan_gladen",
    "share",
    "smallest_difference",
    "wilson",
]
