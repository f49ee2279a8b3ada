"""What is measured of a good challenger's features, size and speed."""

import numpy as np

from millrace.domain.config import Metric
from millrace.domain.gate.cost import BundleCost, Cost
from millrace.domain.gate.evidence import JudgedSet
from millrace.domain.gate.features import FeatureUse, FeatureUses
from millrace.domain.gate.leakage import Alone, Knowing, Late, Leakage, Share
from millrace.domain.gate.simpler import Refitted, Simpler

TURNS = 41


def leakage(recent: JudgedSet, alone: float = 9.0) -> Leakage:
    """Return features of which the best alone is off by so much, and rows that nobody has seen twice."""
    return Leakage(
        recent.source,
        metric=Metric.MAE,
        features=("area", "floor"),
        texts=0,
        has_key=True,
        rows=4_000,
        alone=(Alone("area", alone, alone - 1.0, alone + 1.0), Alone("floor", 40.0, 39.0, 41.0)),
        knowing=(Knowing("area", None), Knowing("floor", None)),
        late=(Late("area", 4_000, 0),),
        judged_rows=400,
        same_keys=0,
        copied=Share(0.02, 0.01, 0.03),
        copied_by_chance=Share(0.025, 0.02, 0.03),
    )


def feature_uses(recent: JudgedSet, idle: float = 0.001) -> FeatureUses:
    """Return two features that bring something, and one that brings nearly nothing."""
    uses = (
        FeatureUse("area", 3.0, 2.5, 3.5, 0.0),
        FeatureUse("floor", 1.0, 0.5, 1.5, 0.1),
        FeatureUse("noise", idle, idle - 0.002, idle + 0.002, 0.25),
    )
    return FeatureUses(recent.source, Metric.MAE, ("area", "floor", "noise"), 400, uses)


def weighed(recent: JudgedSet, previous: float = 2.5) -> Simpler:
    """Return a large challenger, and the champion's smaller estimator, off by so much on the same rows."""
    refitted = Refitted("random_forest", 20_000, recent.labels + previous)
    return Simpler(recent.source, 40_000, 5_000, refitted)


def bundle_cost(factor: float = 1.0, turns: int = TURNS) -> BundleCost:
    """Return times about 1 ms and 10 ms, 2 MB on disk and 30 in memory; all of it so many times."""
    times = 1.0 + np.linspace(-0.1, 0.1, turns)
    return BundleCost(
        factor * times, factor * 10.0 * times, int(factor * 2_000_000), int(factor * 30_000_000)
    )


def costs(recent: JudgedSet, factor: float = 1.0, turns: int = TURNS) -> Cost:
    """Return a challenger that costs so many times what the champion does."""
    return Cost(recent.source, bundle_cost(factor, turns), bundle_cost(1.0, turns))
