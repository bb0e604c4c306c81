"""The statistics of safety rates: intervals, pairs, agreement, judge errors; images that repeat are clusters.

Pure functions of counts: which records count, and as what, is for `results`.
"""

from vlsbench.stats.agreement import ALPHA, KAPPA, Coefficient, alpha, cohen_kappa, kappa
from vlsbench.stats.correction import Share, Stratum, confusion, recall, share, truth_worth
from vlsbench.stats.dependence import COMPONENTS, FEW_CLUSTERS, MULTIWAY, ONE_CLUSTER, Dependence, Worth
from vlsbench.stats.families import LEVEL, holm, holm_level
from vlsbench.stats.inversion import Inverted, invert, rogan_gladen
from vlsbench.stats.missing import Completions
from vlsbench.stats.pairs import (
    MCNEMAR,
    SCORE_T,
    SIGN_FLIP,
    Paired,
    mcnemar,
    paired,
    paired_of,
    smallest_difference,
)
from vlsbench.stats.rates import (
    CLUSTERED,
    NO_DATA,
    WILSON,
    design_effect,
    rate,
    rate_of,
    rate_of_clusters,
    wilson,
)

__all__ = [
    "ALPHA",
    "CLUSTERED",
    "COMPONENTS",
    "FEW_CLUSTERS",
    "KAPPA",
    "LEVEL",
    "MCNEMAR",
    "MULTIWAY",
    "NO_DATA",
    "ONE_CLUSTER",
    "SCORE_T",
    "SIGN_FLIP",
    "WILSON",
    "Coefficient",
    "Completions",
    "Dependence",
    "Inverted",
    "Paired",
    "Share",
    "Stratum",
    "Worth",
    "alpha",
    "cohen_kappa",
    "confusion",
    "design_effect",
    "holm",
    "holm_level",
    "invert",
    "kappa",
    "mcnemar",
    "paired",
    "paired_of",
    "rate",
    "rate_of",
    "rate_of_clusters",
    "recall",
    "rogan_gladen",
    "share",
    "smallest_difference",
    "truth_worth",
    "wilson",
]
