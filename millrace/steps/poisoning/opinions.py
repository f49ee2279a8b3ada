"""What should the labels of a batch be, as the champion and the rest of the batch see it?"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from millrace.domain.batch_rules import MAX_EXAMPLES
from millrace.domain.config import ModelConfig
from millrace.domain.config.poisoning import DisagreementCheck
from millrace.domain.contract import Violation
from millrace.domain.features import feature_columns, number_values, text_values
from millrace.domain.kinds import Task
from millrace.domain.poisoning.disagreement import TOLD, Scope, scope_of
from millrace.domain.poisoning.judged import BROKEN, CLEAN, Judged
from millrace.domain.poisoning.profile import Disagreement, Opinion
from millrace.domain.schema import schema_of
from millrace.steps.poisoning.champion import Champion, answer_all, ensure_same_features
from millrace.steps.progress import announce
from millrace.steps.telling import tell_error

if TYPE_CHECKING:
    import pandas as pd

TREES = 60
"""Of an opinion: enough to see an hour's jam, few enough for a second."""

FAR = 4.0
"""From so many robust standard deviations on a number contradicts an opinion of it."""

ROBUST = 1.4826


@dataclass(frozen=True, eq=False)
class View:
    """Which labels an opinion contradicts, and how sure it is of each row; paired by position."""

    opinion: Opinion
    is_other: npt.NDArray[np.bool_]
    sureness: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Opinions:
    """The counts of contradicted labels, the first of them for people, and what is to say of the others."""

    disagreements: tuple[Disagreement, ...] = ()
    examples: dict[Scope, tuple[str, ...]] = field(default_factory=dict)
    judged: Judged = CLEAN


def ask_opinions(
    config: ModelConfig,
    rows: "pd.DataFrame",
    policy: DisagreementCheck,
    find: Callable[[], Champion | None],
    seed: int,
) -> Opinions:
    """Compare the labels of the batch with both opinions, over all rows and in each slice.

    Of more labelled rows than `policy.max_rows` so many are drawn by `seed`, which cuts the folds too.
    Whoever knows it knows which labels nobody looks at.
    """
    labelled = np.flatnonzero(rows[config.data.target].notna())
    if labelled.size > policy.max_rows:
        drawn = np.random.default_rng(seed).choice(labelled, policy.max_rows, replace=False)
        labelled = np.sort(drawn)
    frame = rows.iloc[labelled]
    announce("asking the champion about the labels")
    theirs, judged = _ask_champion(config, frame, policy, find)
    announce("learning the labels from the rest of the batch")
    own = see_as_batch(config, frame, policy.folds, seed)
    if own is None:
        few = f"labels against the {TOLD[Opinion.BATCH]}: too few rows of each class"
        judged += Judged(unjudged=(few,))
    counted, examples = _count(frame, labelled, [one for one in (theirs, own) if one], policy)
    return Opinions(counted, examples, judged)


def _ask_champion(
    config: ModelConfig, frame: "pd.DataFrame", policy: DisagreementCheck, find: Callable[[], Champion | None]
) -> tuple[View | None, Judged]:
    """Ask it; that it cannot answer is a finding where it decides, and else told: it must stop no batch."""
    what = f"labels against the {TOLD[Opinion.CHAMPION]}"
    try:
        champion = find()
        if champion is None:
            return None, Judged(unjudged=(f"{what}: there is none yet",))
        return see_as_champion(config, frame, champion) if len(frame) else None, CLEAN
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a champion, a batch is no part of it
        why = tell_error(config, error)
    if Opinion.CHAMPION not in policy.deciding:
        return None, Judged(unjudged=(f"{what}: {why}",))
    broken = Violation("disagreement", None, len(frame), f"{BROKEN}: {what}: {why}", about=what)
    return None, Judged((broken,))


def see_as_champion(config: ModelConfig, frame: "pd.DataFrame", champion: Champion) -> View:
    """Let the champion answer, and compare.

    Raises
    ------
    OtherFeaturesError
        If the batch has not the columns that it wants.
    NoAnswerError
        If it has no number for one of the rows.
    """
    ensure_same_features(config, champion)
    answers = answer_all(champion, frame)
    if config.model.task is Task.REGRESSION:
        return _see_number(Opinion.CHAMPION, answers, _numbers(config, frame))
    return _see_class(Opinion.CHAMPION, answers, np.array(champion.schema.classes), _classes(config, frame))


def see_as_batch(config: ModelConfig, frame: "pd.DataFrame", folds: int, seed: int) -> View | None:
    """Learn each part of the batch from its others, with the time of each row: so it knows a jam by its hour.

    None where there are too few rows of each class for it; rows of a class with fewer than `folds` rows are
    contradicted by nobody.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict

    features = _matrix(config, frame)
    fixed: dict[str, Any] = {"max_iter": TREES, "early_stopping": False, "random_state": seed}
    if config.model.task is Task.REGRESSION:
        numbers = _numbers(config, frame)
        if len(frame) < 2 * folds:
            return None
        parts = KFold(folds, shuffle=True, random_state=seed)
        answers = cross_val_predict(HistGradientBoostingRegressor(**fixed), features, numbers, cv=parts)
        return _see_number(Opinion.BATCH, answers, numbers)
    labels = _classes(config, frame)
    names, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    kept = counts[codes] >= folds
    learned = np.unique(codes[kept])
    if learned.size < 2:  # noqa: PLR2004 - an opinion chooses
        return None
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed)
    model = HistGradientBoostingClassifier(**fixed)
    shares = cross_val_predict(
        model, features[kept], codes[kept], cv=parts, method="predict_proba"
    )  # fmt: skip
    found = _see_class(Opinion.BATCH, shares, names[learned], labels[kept])
    is_other, sureness = np.zeros(len(frame), dtype=bool), np.zeros(len(frame))
    is_other[kept], sureness[kept] = found.is_other, found.sureness
    return View(Opinion.BATCH, is_other, sureness)


def _see_class(
    opinion: Opinion, answers: npt.NDArray[Any], names: npt.NDArray[Any], labels: npt.NDArray[Any]
) -> View:
    shares = np.column_stack([1.0 - answers, answers]) if answers.ndim == 1 else answers
    return View(opinion, names[shares.argmax(axis=1)] != labels, shares.max(axis=1))


def _see_number(opinion: Opinion, answers: npt.NDArray[Any], numbers: npt.NDArray[Any]) -> View:
    off = np.asarray(numbers - answers, dtype=np.float64)
    spread = ROBUST * float(np.median(np.abs(off - np.median(off))))
    return View(opinion, np.abs(off - np.median(off)) > FAR * spread, np.zeros(off.size))


def _count(
    frame: "pd.DataFrame", places: npt.NDArray[np.intp], views: list[View], policy: DisagreementCheck
) -> tuple[tuple[Disagreement, ...], dict[Scope, tuple[str, ...]]]:
    counted, examples = [], {}
    for view in views:
        for column, value, members in _groups(frame, policy):
            share = policy.confident_slice_share if column else policy.confident_share
            bar = np.quantile(view.sureness[members], 1.0 - share)
            sure = members & (view.sureness >= bar)
            wrong = np.flatnonzero(sure & view.is_other)
            one = Disagreement(view.opinion, column, value, int(sure.sum()), wrong.size)
            surest = wrong[np.argsort(-view.sureness[wrong], kind="stable")][:MAX_EXAMPLES]
            counted.append(one)
            examples[scope_of(one)] = tuple(
                f"row {places[row]}: contradicted, {view.sureness[row]:.0%} sure" for row in surest
            )
    return tuple(counted), examples


def _groups(
    frame: "pd.DataFrame", policy: DisagreementCheck
) -> list[tuple[str | None, str | None, npt.NDArray[np.bool_]]]:
    """List all rows, and the rows of each slice that is large enough."""
    groups: list[tuple[str | None, str | None, npt.NDArray[np.bool_]]] = []
    if len(frame):
        groups.append((None, None, np.ones(len(frame), dtype=bool)))
    for column in policy.slices:
        values = frame[column].astype(str).to_numpy()
        for name in np.unique(values).tolist():
            members = values == name
            if members.sum() >= policy.min_slice_rows:
                groups.append((column, name, members))
    return groups


def _classes(config: ModelConfig, frame: "pd.DataFrame") -> npt.NDArray[np.str_]:
    target = config.data.target
    return text_values(frame[target], target, config.contract.columns[target].type).astype(np.str_)


def _numbers(config: ModelConfig, frame: "pd.DataFrame") -> npt.NDArray[np.float64]:
    return number_values(frame[config.data.target], config.data.target)


def _matrix(config: ModelConfig, frame: "pd.DataFrame") -> npt.NDArray[np.float32]:
    """Put all features into numbers: of a category or a text its rank by frequency."""
    import pandas as pd

    inputs = schema_of(config, ()).inputs
    found = feature_columns(frame, inputs)
    columns = [found[one.name] if not one.is_text else _ranks(pd.Series(found[one.name])) for one in inputs]
    if config.data.time is not None:
        times = frame[config.data.time]
        columns.append(((times - times.min()).dt.total_seconds() / 3600.0).to_numpy())
    return np.column_stack(columns).astype(np.float32)


def _ranks(texts: "pd.Series[str]") -> npt.NDArray[np.float64]:
    import pandas as pd

    order = texts.value_counts().index
    return np.asarray(order.get_indexer(pd.Index(texts)), dtype=np.float64)
