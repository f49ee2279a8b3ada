"""Which version is to answer?"""

from dataclasses import replace
from pathlib import Path

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.channel import bundles_folder
from millrace.adapters.scorer import Scorer, find_sorted_trees, load_scorer, prove
from millrace.domain.bundle import Engine
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.lineage import UnknownBundleError, find_lineage
from millrace.steps.stores import ensure_known, ledger


class NoChampionError(MillraceError):
    """Nothing serves of a model, and no version was named."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(
            f"{model} has no champion yet: run `millrace retrain {model}`, or name a version by --version; "
            f"`millrace history {model}` lists them"
        )


class OtherModelError(MillraceError):
    """The version that was named is one of another model."""

    def __init__(self, model: str, version: str, found: str) -> None:
        self.model, self.version, self.found = model, version, found
        super().__init__(
            f"version {version} is one of {found}, not of {model}; `millrace history {model}` lists its own"
        )


def find_version(model: str, version: str = "") -> str:
    """Return the digest of the champion, or of a version by its number or the start of its digest.

    Raises
    ------
    NoChampionError, UnknownBundleError, AmbiguousNameError, OtherModelError
    """
    ensure_known(model)
    if not version:
        champion = ledger().serving(model).champion
        if champion is None:
            raise NoChampionError(model)
        return champion
    lineage = None
    if version.isdigit():
        try:
            lineage = find_lineage(f"{model}/{version}")
        except UnknownBundleError:
            lineage = None  # a digest may begin with digits alone
    lineage = lineage or find_lineage(version)
    if lineage.model != model:
        raise OtherModelError(model, version, lineage.model)
    return lineage.trained.digest


def open_version(digest: str) -> Scorer:
    """Open a bundle as a service does, every byte verified and proved on its examples, for many rows."""
    bundles = bundles_folder(load_settings().channel)
    verify_bundle(bundles, digest)
    scorer = load_scorer(bundles / digest)
    prove(scorer, scorer.examples)
    return for_many_rows(scorer, bundles / digest)


def for_many_rows(scorer: Scorer, bundle: Path) -> Scorer:
    """Return the same scorer, which sorts rows before it answers them where that is faster."""
    if scorer.manifest.engine is not Engine.ONNX:
        return scorer
    trees = find_sorted_trees((bundle / Engine.ONNX.file_name).read_bytes(), scorer.schema)
    return scorer if trees is None else replace(scorer, answering=trees.answer)
