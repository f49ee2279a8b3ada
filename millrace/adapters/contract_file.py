"""How are clauses of [contract] changed in a model.toml, comments and all else untouched?"""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from millrace.domain.config import ModelConfig
from millrace.domain.contract_change import Difference, Direction
from millrace.durable import replace_file

_EXACT = 2**53


def change_contract(path: Path, differences: Iterable[Difference], why: Mapping[str, str]) -> None:
    """Put the new value of each difference into the file; a column that is gone stays.

    `why` is a comment for each column that comes in.
    """
    import tomlkit

    document = tomlkit.parse(path.read_text("utf-8"))
    contract: Any = document["contract"]
    for one in differences:
        if one.column is None:
            _put(contract, one.clause, one.new)
        elif one.direction is Direction.NEW:
            contract["columns"][one.column] = _inline(one.new, why.get(one.column))
        elif one.direction is not Direction.GONE:
            _put(contract["columns"][one.column], one.clause, one.new)
    text = tomlkit.dumps(document)
    ModelConfig.model_validate(tomllib.loads(text))  # a file that could not be read back is never written
    replace_file(path, text.encode("utf-8"))


def _put(table: Any, clause: str | None, value: Any) -> None:
    if value is None:
        table.pop(clause, None)
    else:
        table[clause] = _plain(clause, value)


def _inline(clauses: Mapping[str, Any], why: str | None) -> Any:
    import tomlkit

    made = tomlkit.inline_table()
    for clause, value in clauses.items():
        made[clause] = _plain(clause, value)
    if why:
        made.comment(why)
    return made


def _plain(clause: str | None, value: Any) -> Any:
    """Write whole bounds as such: `min = 0` and not `min = 0.0`."""
    if clause in ("min", "max") and float(value).is_integer() and abs(value) < _EXACT:
        return int(value)
    return list(value) if isinstance(value, tuple) else value
