"""The statistics of safety rates: intervals, paired comparisons, agreement; images that repeat are clusters."""

from vlsbench.stats.agreement import cohen_kappa
from vlsbench.stats.pairs import Paired, holm, mcnemar, paired, smallest_difference
from vlsbench.stats.rates import (
    CLUSTERED,
    NO_DATA,
    ONE_CLUSTER,
    WILSON,
    design_effect,
    rate,
    rate_of_clusters,
    wilson,
)

__all__ = [
    "CLUSTERED",
    "NO_DATA",
    "ONE_CLUSTER",
    "WILSON",
    "Paired",
    "cohen_kappa",
    "design_effect",
    "holm",
    "mcnemar",
    "paired",
    "rate",
    "rate_of_clusters",
    "smallest_difference",
    "wilson",
]
