"""What a model hides stands in no file of its service, by whichever protocol it came."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from millrace.adapters.prediction_log.compaction import compact
from millrace.domain.kinds import Task
from millrace.domain.pointer import Arm, ArmRole, ServingSettings
from tests.adapters.planted import pack, train
from tests.adapters.worded import worded_config, worded_rows
from tests.serving.service import RunningService, ServiceHome, running_service

HIDDEN = ServingSettings(hashed=("note",), left_out=("label",))
WORD, NUMBER = "Ann-Hidden-Lee", 103.140625
ROW = {"label": NUMBER, "my column": 3, "carrier": "AA", "weekday": 2, "holiday": False, "note": WORD}
OPEN = {**ROW, "carrier": "BB", "note": "plain-note", "label": 99.5}
KINDS = {float: "FP64", int: "INT64", bool: "BOOL", str: "BYTES"}


@pytest.fixture(scope="module")
def hiding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """`hidden` hides two columns, one version of it in shadow; `open` hides none."""
    home = ServiceHome(tmp_path_factory.mktemp("hiding"))
    first, second = (
        pack(train(worded_config(Task.BINARY), worded_rows(Task.BINARY, rows))) for rows in (300, 340)
    )
    arms = (
        Arm(home.add("hidden", first), ArmRole.ANSWER, 100),
        Arm(home.add("hidden", second), ArmRole.SHADOW, 100),
    )
    home.publish("hidden", *arms, settings=HIDDEN)
    home.publish("open", home.add("open", first))
    with running_service(home) as running:
        yield running


def tensors(row: dict[str, object]) -> list[dict[str, object]]:
    return [
        {"name": name, "datatype": KINDS[type(value)], "shape": [1], "data": [value]}
        for name, value in row.items()
    ]


def ask_in_every_way(service: RunningService, model: str, row: dict[str, object]) -> list[int]:
    named = {"x-request-id": f"asked-{model}"}
    broken = {**row, "carrier": 5}
    answers = [
        service.post(f"/v1/models/{model}/predict", row, named),
        service.post(f"/v1/models/{model}/predict", [row, row]),
        service.post(f"/v2/models/{model}/infer", {"inputs": tensors(row)}),
        service.post(f"/v1/models/{model}/predict", broken),
        service.post(f"/v2/models/{model}/infer", {"inputs": tensors(broken)}),
        service.post(f"/v1/models/{model}/predict", f'{{"note": "{row["note"]}", '.encode()),
        service.post(f"/v1/models/{model}/labels", {"request_id": f"asked-{model}", "label": "1"}),
    ]
    return [answer.status for answer in answers]


def texts_in(folder: Path) -> str:
    """Return all that files hold: bytes as they are, and tables as what they say."""
    files = [path for path in folder.rglob("*") if path.is_file() and "bundles" not in path.parts]
    tables = [str(pq.read_table(path).to_pylist()) for path in files if path.suffix == ".parquet"]
    return "\n".join([*tables, *(path.read_bytes().decode("latin-1") for path in files)])


def test_no_file_of_the_service_has_a_hidden_value(hiding: RunningService) -> None:
    assert ask_in_every_way(hiding, "hidden", ROW) == [200, 200, 200, 422, 422, 400, 200]
    assert ask_in_every_way(hiding, "open", OPEN) == [200, 200, 200, 422, 422, 400, 200]
    hiding.stop()
    written = texts_in(hiding.home.path)
    assert compact(hiding.home.predictions).rows >= 8
    in_tables = texts_in(hiding.home.path)
    for found in (written, in_tables):
        assert "plain-note" in found
        assert WORD not in found
        assert str(NUMBER) not in found
        assert not any(struct.pack(form, NUMBER).decode("latin-1") in found for form in ("<d", ">d"))
