"""What is told of two manifests, two schemas, two sets of answers."""

from dataclasses import replace

import numpy as np
import pytest

from millrace.domain.bundle import CodeDigests, Engine, InputColumn, Manifest, Schema
from millrace.domain.change import Change, list_changes
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.version_diff import (
    compare_decisions,
    compare_manifests,
    compare_schemas,
    differences_by_row,
    share_disagreeing,
)

MANIFEST = Manifest(
    model="fares",
    task=Task.BINARY,
    engine=Engine.ONNX,
    files={"scorer.onnx": "aa", "schema.json": "bb"},
    dataset="d1",
    training_blocks=("2013-01-01", "2013-01-02"),
    code=CodeDigests("m", "f", "t", "x", "l"),
    seed=7,
    environment={"numpy": "2.4"},
)


@pytest.mark.parametrize(
    ("other", "name"),
    [
        ({"files": {"scorer.onnx": "cc", "schema.json": "bb"}}, "file scorer.onnx"),
        ({"files": {"scorer.onnx": "aa"}}, "file schema.json"),
        ({"dataset": "d2"}, "dataset"),
        ({"task": Task.REGRESSION}, "task"),
        ({"seed": 8}, "seed"),
        ({"training_blocks": ("2013-01-01", "2013-01-03")}, "training blocks"),
        ({"training_blocks": ()}, "training blocks"),
        ({"code": CodeDigests("m", "f", "other", "x", "l")}, "code tasks"),
        ({"environment": {"numpy": "2.5"}}, "environment numpy"),
        ({"environment": {}}, "environment numpy"),
    ],
)
def test_every_field_of_a_manifest_that_differs_is_named_and_no_other(
    other: dict[str, object], name: str
) -> None:
    changed = replace(MANIFEST, **other)  # type: ignore[arg-type]
    assert [change.name for change in compare_manifests(MANIFEST, changed)] == [name]
    assert compare_manifests(MANIFEST, MANIFEST) == ()


def test_blocks_in_the_middle_show_although_count_and_ends_are_the_same() -> None:
    old = replace(MANIFEST, training_blocks=("a", "b", "z"))
    [change] = compare_manifests(old, replace(MANIFEST, training_blocks=("a", "c", "z")))
    assert change.old != change.new
    assert str(change.old).startswith("3 (a to z, list ")


def test_inputs_come_go_and_change_their_range() -> None:
    old = Schema(Task.BINARY, (_column("x", max=9), _column("y")))
    new = Schema(Task.BINARY, (_column("x", max=8), _column("z")))
    found = compare_schemas(old, new)
    assert (found.added, found.removed) == (("z",), ("y",))
    assert found.changed == (Change("x.max", 9, 8),)


def test_another_threshold_and_other_classes_are_told() -> None:
    old = Schema(Task.BINARY, (), ("no", "yes"), threshold=0.5)
    assert compare_decisions(old, replace(old, threshold=0.3)) == (Change("threshold", 0.5, 0.3),)
    assert compare_decisions(old, replace(old, threshold=None)) == (Change("threshold", 0.5, None),)
    [change] = compare_decisions(old, replace(old, classes=("yes", "no")))
    assert change.name == "classes"
    assert compare_decisions(old, old) == ()


def test_a_class_is_another_one_by_each_versions_own_threshold() -> None:
    old, new = np.array([0.2, 0.4, 0.6, 0.9]), np.array([0.2, 0.6, 0.6, 0.4])
    assert share_disagreeing(old, new, Task.BINARY) == 0.5
    assert share_disagreeing(old, old, Task.BINARY, (0.5, 0.3)) == 0.25
    # a threshold of 0 says yes to every row; none at all is a half
    assert share_disagreeing(old, old, Task.BINARY, (0.0, None)) == 0.5
    assert share_disagreeing(old, new, Task.REGRESSION) is None


def test_of_several_classes_the_largest_share_decides_and_the_largest_difference_counts() -> None:
    old = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]])
    new = np.array([[0.5, 0.4, 0.1], [0.2, 0.3, 0.5]])
    assert share_disagreeing(old, new, Task.MULTICLASS) == 0.5
    assert differences_by_row(old, new) == pytest.approx([0.1, 0.2])


def test_a_thing_that_is_none_is_not_one_that_is_missing() -> None:
    assert list_changes({"a": None}, {}) == (Change("a", None, None),)
    assert list_changes({"a": None}, {"a": None}) == ()


def _column(name: str, **others: float) -> InputColumn:
    return InputColumn(name, ColumnType.FLOAT, nullable=False, **others)  # type: ignore[arg-type]
