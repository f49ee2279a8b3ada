"""Which contract do the accepted rows of a model that is described already ask for?"""

from collections.abc import Sequence

from millrace.domain.config import ColumnContract, ModelConfig
from millrace.domain.kinds import Task
from millrace.domain.proposal.contract import contract_blocks
from millrace.domain.proposal.draft import NO_SPLIT
from millrace.domain.proposal.features import CATEGORICAL, NUMERIC, TEXT
from millrace.domain.proposal.findings import Block, Cause, Draft, Feature, LeftOut, Seen, SeenBatch, Target
from millrace.domain.proposal.persons import find_personal
from millrace.domain.proposal.wishes import Wishes
from millrace.domain.table_scan import ColumnScan, TableScan


def propose_contract(
    config: ModelConfig, scan: TableScan, batches: Sequence[SeenBatch]
) -> tuple[Block, Block]:
    """Return [contract] and [contract.columns] of rows whose columns have the roles model.toml gives them."""
    return contract_blocks(draft_accepted(config, scan, batches))


def draft_accepted(config: ModelConfig, scan: TableScan, batches: Sequence[SeenBatch]) -> Draft:
    """Say of accepted rows what `propose` infers of a file, roles and features being those of model.toml."""
    data = config.data
    features = tuple(_features(config, scan))
    known = {data.target, data.time, data.group, *data.key, *(one.column for one in features)}
    left_out = [
        *(
            LeftOut(one.name, Cause.UNUSABLE, _why_other(find_personal(one, scan)))
            for one in scan.columns if one.name not in known
        ),
        *(LeftOut(name, Cause.UNUSABLE, "ignored", dropped=True) for name in config.contract.ignored),
    ]  # fmt: skip
    return Draft(
        wishes=Wishes(config.name, data.target, data.time, data.key, task=config.model.task),
        scan=scan,
        target=_target(config, scan),
        time=data.time,
        key=data.key,
        group=data.group,
        why={},
        features=features,
        left_out=tuple(left_out),
        sensitive=(),
        doubts=(),
        split=NO_SPLIT,
        seen=Seen("the accepted rows", tuple(batches)),
        hidden={one.name: _value_clauses(config, one) for one in scan.columns if one.name in config.hidden},
    )


def list_personal(config: ModelConfig, scan: TableScan) -> dict[str, str]:
    """Return the columns that look like data about persons, and how that was seen."""
    found = {one.name: find_personal(one, scan) for one in scan.columns if one.name != config.data.target}
    return {name: held for name, held in found.items() if held is not None}


def _value_clauses(config: ModelConfig, column: ColumnScan) -> dict[str, object]:
    """Return what model.toml says of a column's values: it stays as it is where no value may be told."""
    present = config.contract.columns.get(column.name)
    if present is None or present.type is not column.type:
        return {}
    return present.model_dump(mode="json", exclude_defaults=True, exclude={"type", "max_null_share"})


def _why_other(personal: str | None) -> str:
    return "not in [features]" if personal is None else f"{personal}; not in [features]"


def _features(config: ModelConfig, scan: TableScan) -> list[Feature]:
    """Take features by their kind, and what else the contract holds to more than a type as if it were one."""
    section, columns = config.features, config.contract.columns
    kinds = dict.fromkeys(section.numeric, NUMERIC) | dict.fromkeys(section.categorical, CATEGORICAL)
    kinds |= dict.fromkeys(section.text, TEXT)
    roles = {config.data.target, config.data.time, config.data.group, *config.data.key}
    found = []
    for one in scan.columns:
        if one.name in kinds:
            found.append(Feature(one.name, kinds[one.name], find_personal(one, scan)))
        elif one.name in columns and one.name not in roles and columns[one.name].max_null_share < 1.0:
            note = _why_other(find_personal(one, scan))
            found.append(Feature(one.name, _kind_of(columns[one.name]), note))
    return found


def _kind_of(column: ColumnContract) -> str:
    """Say how to take what is no feature: as the contract does already."""
    if column.categories is not None:
        return CATEGORICAL
    return TEXT if column.min is None and column.max is None else NUMERIC


def _target(config: ModelConfig, scan: TableScan) -> Target:
    column, task = scan.column(config.data.target), config.model.task
    classes = () if task is Task.REGRESSION else column.common
    return Target(column.name, task, scan.rows - column.nulls, classes, "data.target")
