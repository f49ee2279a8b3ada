"""In what do two versions of a model differ: data, code, configuration, features, metrics, answers?"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from millrace.adapters.bundle import digest_of_files
from millrace.adapters.channel import bundles_folder
from millrace.adapters.git import find_lack, list_subjects
from millrace.adapters.models import MODEL_FILE
from millrace.adapters.scorer import Scorer, load_scorer
from millrace.domain.change import flatten_keys, list_changes
from millrace.domain.config import Metric
from millrace.domain.facts import ChallengerJudged, VersionRegistered
from millrace.domain.losses import metric_value
from millrace.domain.version_diff import (
    CodeDiff,
    ConfigDiff,
    MetricChange,
    Version,
    VersionDiff,
    compare_decisions,
    compare_schemas,
)
from millrace.errors import MillraceError
from millrace.settings import PROJECT_ROOT, load_settings
from millrace.steps.diff_answers import find_answers
from millrace.steps.diff_data import find_data
from millrace.steps.lineage import Lineage, find_lineage
from millrace.steps.progress import announce
from millrace.steps.reproduce_code import find_commit, find_model_folder
from millrace.steps.stores import model_config


class OtherModelError(MillraceError):
    """Versions of two models have nothing to be compared by."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new
        super().__init__(
            f"these are versions of two models, {old} and {new}. Name two versions of one: "
            f"`millrace history {old}` lists them"
        )


@dataclass(frozen=True)
class _Side:
    lineage: Lineage
    scorer: Scorer
    judged: ChallengerJudged | None

    @property
    def name(self) -> str:
        return self.lineage.trained.digest[:12]


def diff_versions(old: str, new: str, now: datetime, root: Path = PROJECT_ROOT) -> VersionDiff:
    """Compare two versions, each named as in `millrace why`; nothing is recorded.

    Raises
    ------
    OtherModelError
        If they are not of one model.
    """
    announce("read both versions")
    sides = before, after = _open(old), _open(new)
    model = before.lineage.model
    if model != after.lineage.model:
        raise OtherModelError(model, after.lineage.model)
    manifests = before.lineage.manifest, after.lineage.manifest
    announce("compare data and code")
    data = find_data(before.lineage, after.lineage)
    configuration = _compare_folders(*sides, root)
    announce("answer the same rows")
    answers = find_answers(model, before.scorer, after.scorer, now)
    return VersionDiff(
        model=model,
        old=_tell_version(before),
        new=_tell_version(after),
        data=data,
        code=_compare_code(*sides, root),
        configuration=configuration,
        packages=list_changes(*(manifest.environment for manifest in manifests)),
        features=compare_schemas(before.scorer.schema, after.scorer.schema),
        decisions=compare_decisions(before.scorer.schema, after.scorer.schema),
        parameters=list_changes(*(_parameters(side) for side in sides)),
        metrics=_compare_metrics(*sides),
        answers=None if isinstance(answers, str) else answers,
        answers_trouble=answers if isinstance(answers, str) else None,
    )


def _open(version: str) -> _Side:
    lineage = find_lineage(version)
    judged = (entry.fact for entry in reversed(lineage.entries))
    return _Side(
        lineage,
        load_scorer(_folder(lineage.trained.digest)),
        next((fact for fact in judged if isinstance(fact, ChallengerJudged)), None),
    )


def _folder(digest: str) -> Path:
    return bundles_folder(load_settings().channel) / digest


def _tell_version(side: _Side) -> Version:
    trained, entries = side.lineage.trained, side.lineage.entries
    numbers = (entry.fact.version for entry in entries if isinstance(entry.fact, VersionRegistered))
    return Version(
        digest=trained.digest,
        number=next(numbers, None),
        trained_at=next((entry.at for entry in entries if entry.fact == trained), entries[0].at),
        dataset=trained.inputs.dataset,
        git_commit=trained.git_commit,
        engine=side.lineage.manifest.engine.value,
        bytes=sum(file.stat().st_size for file in _folder(trained.digest).iterdir()),
        learned_rows=trained.rows,
        gate=f"{side.judged.outcome}: {side.judged.reason}" if side.judged else None,
    )


def _parameters(side: _Side) -> dict[str, object]:
    return {"seed": side.lineage.manifest.seed, **side.lineage.trained.parameters}


def _compare_code(old: _Side, new: _Side, root: Path) -> CodeDiff:
    digests = list_changes(
        *(
            {
                name: getattr(side.lineage.manifest.code, name)
                for name in ("millrace", "flows", "tasks", "lock")
            }
            for side in (old, new)
        )
    )
    commits = [find_commit(side.lineage.trained, root) for side in (old, new)]
    if None in commits:
        unknown = [side.name for side, commit in zip((old, new), commits, strict=True) if commit is None]
        return CodeDiff(digests, trouble=f"the commit of {' and of '.join(unknown)} {_tell_lost(root)}")
    before, after = (str(commit) for commit in commits)
    return CodeDiff(
        digests,
        commits=tuple(list_subjects(root, before, after)),
        back=tuple(list_subjects(root, after, before)),
    )


def _compare_folders(old: _Side, new: _Side, root: Path) -> ConfigDiff:
    """Compare the model's folder as it was for each of them, out of git or as it still is."""
    if old.lineage.manifest.code.model_files == new.lineage.manifest.code.model_files:
        return ConfigDiff()
    with TemporaryDirectory(prefix="millrace-diff-") as folder:
        places = [Path(folder) / name for name in ("old", "new")]
        pieces = [
            find_model_folder(side.lineage.trained, side.lineage.manifest, place, root)
            for side, place in zip((old, new), places, strict=True)
        ]
        lost = [side.name for side, piece in zip((old, new), pieces, strict=True) if not piece.is_exact]
        if lost:
            return ConfigDiff(
                trouble=f"the folder of {' and of '.join(lost)} {_tell_lost_folder()}; "
                "only its digest is known"
            )
        there = [place / "models" / old.lineage.model for place in places]
        return ConfigDiff(
            keys=list_changes(*(_keys(place) for place in there)),
            files=list_changes(*(_files(place) for place in there)),
        )


def _tell_lost(root: Path) -> str:
    return f"cannot be looked up: {lack}" if (lack := find_lack(root)) else "is not in the repository here"


def _tell_lost_folder() -> str:
    lack = find_lack(load_settings().models)
    return f"is not here as it was then, and {lack}" if lack else "is neither in git nor here as it was then"


def _keys(folder: Path) -> dict[str, object]:
    return flatten_keys(tomllib.loads((folder / MODEL_FILE).read_text("utf-8")))


def _files(folder: Path) -> Mapping[str, Any]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != MODEL_FILE)
    return {path.relative_to(folder).as_posix(): digest_of_files(path) for path in files}


def _compare_metrics(old: _Side, new: _Side) -> tuple[MetricChange, ...]:
    """Compare what each came to at its own gate, by the metric that its gate had."""
    usual = model_config(old.lineage.model).gate.metric
    before, after = (_measure_of(side.judged, usual) for side in (old, new))
    return tuple(
        MetricChange(
            judged_set=name,
            metric=f"{metric.value} ({terms})" if terms else metric.value,
            old=_value_at(old.judged, name, metric) if (metric, terms) == before else None,
            new=_value_at(new.judged, name, metric) if (metric, terms) == after else None,
            is_same_set=_set_of(old.judged, name) == _set_of(new.judged, name),
        )
        for name in ("recent", "golden")
        for metric, terms in dict.fromkeys((before, after))
        if old.judged or new.judged
    )


def _measure_of(judged: ChallengerJudged | None, usual: Metric) -> tuple[Metric, str]:
    """Return the metric of a judgement, and what it is defined by besides its name."""
    known = Metric(judged.known_metric) if judged and judged.known_metric else usual
    return known, judged.terms if judged else ""


def _value_at(judged: ChallengerJudged | None, name: str, metric: Metric) -> float | None:
    loss = judged.losses.get(name, {}).get("challenger") if judged else None
    return None if loss is None else metric_value(metric, loss)


def _set_of(judged: ChallengerJudged | None, name: str) -> str | None:
    if judged is None:
        return None
    return judged.recent_set if name == "recent" else judged.golden_set
