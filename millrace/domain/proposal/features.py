"""Which columns may a model see, as numbers, categories or text, and which are left out and why?"""

from dataclasses import dataclass

from millrace.domain.config.data import UNSPELLABLE
from millrace.domain.kinds import ColumnType
from millrace.domain.proposal.findings import Cause, Doubt, Feature, LeftOut
from millrace.domain.proposal.persons import find_personal, sample_texts
from millrace.domain.proposal.roles import Roles, is_unique
from millrace.domain.proposal.wishes import NotModelledError, Wishes
from millrace.domain.proposal.words import words_of
from millrace.domain.table_scan import ColumnScan, TableScan

NUMERIC, CATEGORICAL, TEXT = "numeric", "categorical", "text"

CODE_WORDS = frozenset({
    "code", "id", "type", "class", "category", "kind", "zip", "zipcode", "postcode",
    "plz",    "store", "shop", "region", "branch", "department", "product", "sku", "route", "line", "channel",
    "segment",    "model", "series", "cluster", "diet", "group"})  # fmt: skip
"""Whole numbers under such a name are names, not amounts."""

MOST_CODES = 50
LEAST_KNOWN = 20
"""Numbers that a column with gaps has at least: some have to teach, and some to judge."""
FEW_TEXTS = 50
MANY_TEXTS = 1000
ROWS_EACH = 20
"""A category with fewer rows is hardly learned; texts have a quarter of them each, or are left out."""

TEXT_LENGTH = 20
TEXT_WORDS = 3.5


@dataclass(frozen=True)
class Sorted:
    """Every column's place: a feature, or left out; and what could be otherwise."""

    features: tuple[Feature, ...]
    left_out: tuple[LeftOut, ...]
    personal_keys: tuple[str, ...]
    doubts: tuple[Doubt, ...]


def sort_columns(scan: TableScan, wishes: Wishes, roles: Roles) -> Sorted:
    """Give every column but the target its place. What --keep names is a feature whatever it looks like.

    Raises
    ------
    NotModelledError
        If a column that was named or predicted cannot be spelled.
    """
    with_role = {roles.time: "the time of a row", roles.group: "the group of a row"}
    features: list[Feature] = []
    left_out: list[LeftOut] = []
    personal_keys: list[str] = []
    doubts: list[Doubt] = []
    for column in scan.columns:
        name = column.name
        if not is_spellable(name):
            _refuse_named(name, wishes, roles)
            why = "no column can be called so: quotation marks, backslashes and invisible letters"
            left_out.append(LeftOut(name, Cause.UNUSABLE, why, dropped=True))
        elif name in roles.key:
            if find_personal(column, scan) is not None:
                personal_keys.append(name)
        elif name == wishes.target or name in with_role:
            continue
        else:
            place = _place(column, scan, wishes)
            if column.nearly is not None and not (isinstance(place, LeftOut) and place.dropped):
                doubts.append(_nearly(column, column.nearly))
            if isinstance(place, LeftOut):
                left_out.append(place)
                continue
            features.append(place)
            if place.note:
                doubts.append(Doubt(f"{name}: {place.note}", f"features.{place.kind}"))
    return Sorted(tuple(features), tuple(left_out), tuple(personal_keys), tuple(doubts))


def _nearly(column: ColumnScan, kind: ColumnType) -> Doubt:
    """Tell that a few odd values, such as `n/a` or a unit, have made a text of what is something else."""
    form = "times" if kind is ColumnType.TIMESTAMP else "numbers"
    what = f"{column.name} is taken for text, but nearly all of its values are {form}"
    return Doubt(f"{what}: correct or empty the others", f"the file, contract.columns.{column.name}")


def is_spellable(name: str) -> bool:
    """Say whether a model.toml may name the column."""
    return bool(name.strip()) and name.isprintable() and not set(name) & UNSPELLABLE


def _refuse_named(name: str, wishes: Wishes, roles: Roles) -> None:
    if name in {wishes.target, roles.time, roles.group, *roles.key, *wishes.keep}:
        raise NotModelledError(
            f"column {name!r} has a quotation mark, a backslash or invisible letters in its name",
            "a request's fields are found by their names", "Give it another name in the file",
        )  # fmt: skip


def _place(  # noqa: PLR0911 (a list of cases)
    column: ColumnScan, scan: TableScan, wishes: Wishes
) -> Feature | LeftOut:
    name = column.name
    if column.nulls == scan.rows:
        return LeftOut(name, Cause.EMPTY, f"empty in all {scan.rows:,} rows", dropped=True)
    if name in wishes.keep:
        return _kept(column, scan)
    if (held := find_personal(column, scan)) is not None:
        return LeftOut(name, Cause.PERSONAL, f"{held}; `--keep` makes it a feature", dropped=True)
    if column.distinct <= 1:
        only = column.common[0][0] if column.common else "one value"
        return LeftOut(name, Cause.EMPTY, f"{_short(only)} wherever it is not empty")
    match column.type:
        case ColumnType.TIMESTAMP:
            return LeftOut(
                name, Cause.UNUSABLE, "a time: a feature would be an hour, or days since something"
            )
        case ColumnType.BOOL:
            return Feature(name, CATEGORICAL)
        case ColumnType.STRING:
            return _place_text(column, scan)
        case ColumnType.INT | ColumnType.FLOAT:
            return _place_number(column, scan)


def _kept(column: ColumnScan, scan: TableScan) -> Feature:
    """Make what --keep names a feature; a time cannot be one."""
    if column.type is ColumnType.TIMESTAMP:
        raise NotModelledError(
            f"--keep {column.name!r} is a time", "a feature is a number, a category or a text",
            "Make a column of it, such as an hour or an age",
        )  # fmt: skip
    note = find_personal(column, scan)
    said = None if note is None else f"{note}, kept because --keep names it"
    is_number = column.type in (ColumnType.INT, ColumnType.FLOAT)
    if is_number:
        return Feature(column.name, NUMERIC, said, note is not None)
    placed = _place_text(column, scan) if column.type is ColumnType.STRING else None
    kind = placed.kind if isinstance(placed, Feature) else CATEGORICAL
    return Feature(column.name, kind, said, note is not None)


def _place_number(column: ColumnScan, scan: TableScan) -> Feature | LeftOut:
    name, words, known = column.name, {*words_of(column.name)}, scan.rows - column.nulls
    if column.nulls and known < LEAST_KNOWN:
        why = f"empty but for {known} of {scan.rows:,} rows: too few to learn from"
        return LeftOut(name, Cause.EMPTY, why)
    if column.type is ColumnType.INT and is_unique(column, scan) and (column.rises or words & CODE_WORDS):
        return LeftOut(name, Cause.IDENTIFIER, "each row has another whole number: a number of the row")
    if column.type is ColumnType.INT and words & CODE_WORDS and column.distinct <= MOST_CODES:
        return Feature(
            name, CATEGORICAL, f"{column.distinct} whole numbers, by the name a code: taken for categories"
        )
    return Feature(name, NUMERIC)


def _place_text(column: ColumnScan, scan: TableScan) -> Feature | LeftOut:
    values, name = scan.rows - column.nulls, column.name
    if _is_prose(column, values, scan):
        return Feature(name, TEXT, "many different texts of several words: read word by word")
    if column.distinct <= FEW_TEXTS and column.distinct <= values / 2:
        return Feature(name, CATEGORICAL)
    each = values / column.distinct
    if column.distinct > values / 2:
        why = f"{column.distinct:,} different texts in {values:,} rows: nothing repeats that could be learned"
        return LeftOut(name, Cause.IDENTIFIER, why)
    if column.distinct > MANY_TEXTS or each < ROWS_EACH / 4:
        return LeftOut(name, Cause.UNUSABLE, f"{column.distinct:,} categories with {each:.1f} rows each")
    return Feature(name, CATEGORICAL, f"{column.distinct:,} categories with {each:.0f} rows each")


def _is_prose(column: ColumnScan, values: int, scan: TableScan) -> bool:
    if (column.mean_length or 0.0) < TEXT_LENGTH or column.distinct < max(FEW_TEXTS, values / 5):
        return False
    texts = sample_texts(column, scan)
    return bool(texts) and sum(len(text.split()) for text in texts) / len(texts) >= TEXT_WORDS


def _short(value: str) -> str:
    return repr(value if len(value) <= 30 else f"{value[:27]}...")  # noqa: PLR2004
