"""What model.toml does a table ask for?"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from millrace.domain.kinds import Task
from millrace.domain.proposal.features import CATEGORICAL, sort_columns
from millrace.domain.proposal.findings import (
    MOST_GROUPS,
    Cause,
    Doubt,
    Draft,
    LeftOut,
    Split,
    Target,
)
from millrace.domain.proposal.leaks import find_leaks
from millrace.domain.proposal.roles import Roles, find_roles
from millrace.domain.proposal.sensitive import is_sensitive
from millrace.domain.proposal.splitting import divide
from millrace.domain.proposal.target import find_target
from millrace.domain.proposal.whole import complete, config_of, labelled_sample
from millrace.domain.proposal.wishes import NotModelledError, Wishes, check_columns, check_name
from millrace.domain.table_scan import TableScan

if TYPE_CHECKING:
    import pandas as pd

    from millrace.domain.losses import FloatArray

SLICE_ROWS = 100
MOST_SLICES = 2
NO_SPLIT = Split(0.2, 0.3, 0, 0, 0, 0, 0, 14)


def propose(scan: TableScan, wishes: Wishes) -> Draft:
    """Infer all that follows from a table without fitting anything.

    Raises
    ------
    ModelNameError, UnknownColumnError, NotModelledError
        With what was found, what was needed, and what to do.
    """
    check_name(wishes.name)
    check_columns([column.name for column in scan.columns], wishes)
    target, roles = find_target(scan, wishes), find_roles(scan, wishes)
    sorted_columns = sort_columns(scan, wishes, roles)
    draft = Draft(
        wishes, scan, target, roles.time, roles.key, roles.group, roles.why, sorted_columns.features,
        sorted_columns.left_out, (), (*target.doubts, *roles.doubts, *sorted_columns.doubts), NO_SPLIT,
        sorted_columns.personal_keys,
    )  # fmt: skip
    draft = _with_groups(_without_leaks(draft))
    if not draft.features:
        reasons = (
            "; ".join(f"{one.column}: {one.why}" for one in draft.left_out[:5]) or "there is no other column"
        )
        raise NotModelledError(
            f"no column is left to learn from ({reasons})", "a model needs one feature at least",
            "Name columns by --keep, or bring others",
        )  # fmt: skip
    return _with_split(draft, roles)


def _without_leaks(draft: Draft) -> Draft:
    names = [one.column for one in draft.features]
    frame = draft.scan.sample
    frame = frame[frame[draft.target.column].notna()]
    labels = _plain_labels(frame, draft.target)
    leaks = find_leaks(frame, [name for name in names if name in frame], draft.target, labels)
    kept = draft.wishes.keep
    gone = {name: why for name, why in leaks.found.items() if name not in kept}
    stays = {name: why for name, why in (leaks.suspected | leaks.found).items() if name not in gone}
    return replace(
        draft,
        features=tuple(one for one in draft.features if one.column not in gone),
        left_out=(*draft.left_out, *(LeftOut(name, Cause.LEAK, why) for name, why in gone.items())),
        doubts=(
            *draft.doubts,
            *(Doubt(f"{name} may know the target: {why}; kept", "[features]") for name, why in stays.items()),
        ),
    )


def _plain_labels(frame: "pd.DataFrame", target: Target) -> "FloatArray":
    import pandas as pd

    if target.task is Task.REGRESSION:
        return frame[target.column].to_numpy(dtype=np.float64)
    return pd.factorize(frame[target.column], sort=True)[0].astype(np.float64)


def _with_groups(draft: Draft) -> Draft:
    """Find slices and sensitive columns among what a request carries."""
    sensitive: list[str] = []
    slices: list[str] = []
    doubts = list(draft.doubts)
    for feature in draft.features:
        if is_sensitive(feature.column):
            distinct = draft.scan.column(feature.column).distinct
            if distinct <= MOST_GROUPS:
                sensitive.append(feature.column)
                what = (
                    f"{feature.column} is, by its name, what people must not be treated by; it is a feature"
                )
                doubts.append(Doubt(f"{what}, and watched", "performance.sensitive, features"))
            else:
                said = f"{feature.column} is, by its name, what people must not be treated by"
                what = f"{said}; {distinct:,} values are no groups"
                doubts.append(Doubt(f"{what} to compare", "performance.sensitive, features"))
        elif _is_slice(draft, feature.column) and len(slices) < MOST_SLICES:
            slices.append(feature.column)
    return replace(draft, sensitive=tuple(sensitive), slices=tuple(slices), doubts=tuple(doubts))


def _is_slice(draft: Draft, name: str) -> bool:
    column = draft.scan.column(name)
    rows = [rows for _, rows in column.common]
    often = len(rows) > 1 and sorted(rows)[-2] >= 10 * SLICE_ROWS
    return name in draft.of_kind(CATEGORICAL) and 2 <= column.distinct <= MOST_GROUPS and often  # noqa: PLR2004


def _with_split(draft: Draft, roles: Roles) -> Draft:
    """Divide by time if it can be, else by group, else by rows; say what could not be."""
    tries: list[tuple[str | None, str | None]] = [(roles.time, roles.group)]
    if roles.time or roles.group:
        tries.append((None, None))
    for time, group in tries:
        tried = replace(draft, time=time, group=group, split=_first_split(time))
        config = config_of(complete(tried, None))
        frame, labels = labelled_sample(tried, config)
        split = divide(config, frame, labels, draft.target)
        if split is not None:
            return _with_time_doubts(_told_of(replace(tried, split=split), roles))
    raise NotModelledError(
        f"{draft.target.rows:,} rows with a target could not be divided",
        f"at least {NO_SPLIT.min_blocks} recent and golden blocks are needed, every class among the rest",
        "Bring more rows, or more of the rare classes",
    )


def _first_split(time: str | None) -> Split:
    from datetime import date

    return replace(NO_SPLIT, block="1d", until=date(2000, 1, 1), window="1d") if time else NO_SPLIT


def _told_of(draft: Draft, roles: Roles) -> Draft:
    wanted = ((roles.time, "time", draft.time), (roles.group, "group", draft.group))
    lost = [(name, what) for name, what, is_there in wanted if name and not is_there]
    doubts, left_out = list(draft.doubts), list(draft.left_out)
    for name, what in lost:
        doubts.append(
            Doubt(f"{name} gives too few blocks to judge by: rows are divided without it", f"data.{what}")
        )
        left_out.append(
            LeftOut(name, Cause.UNUSABLE, f"would be the {what}, with too few blocks to judge by")
        )
    return replace(draft, doubts=tuple(doubts), left_out=tuple(left_out))


def _with_time_doubts(draft: Draft) -> Draft:
    if draft.time is None:
        return draft
    what = "when a label is known after its row was not said: taken for a day"
    return replace(draft, doubts=(*draft.doubts, Doubt(what, "data.label_delay")))
