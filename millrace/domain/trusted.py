"""Which types may a skops scorer hold, beyond those skops itself knows to be harmless?

The list stands here and not in the artifact: a list that travels with what it guards guards nothing.
"""

TRUSTED_TYPES = (
    "functools.partial",  # of a function that is in this list itself
    "numpy.dtype",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils.validation.check_array",
)
"""What scikit-learn's estimators keep arrays in, found by exporting each; none runs code when opened."""

UNCHECKED_TREE = "sklearn.tree._tree.Tree"
"""Left out, as skops itself leaves it out: scikit-learn follows the places in its nodes without looking
whether they are inside (1.9.1 takes a left child of a million), so a forged tree may read foreign memory."""
