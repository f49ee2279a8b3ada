"""Does the catalogue say what was trained, once, and do MLflow's own tools answer as the bundle does?"""

import dataclasses
import json
import logging
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper

from millrace.adapters.bundle import write_bundle
from millrace.adapters.catalogue import (
    Catalogue,
    RelativeStoreError,
    TrainingRecord,
    UnregisteredVersionError,
    create_store,
)
from millrace.adapters.scorer import load_scorer
from millrace.domain.bundle import (
    EXAMPLES_FILE,
    PROFILE_FILE,
    SCHEMA_FILE,
    CodeDigests,
    Engine,
    Examples,
    InputColumn,
    Manifest,
    Schema,
    digests_of,
)
from millrace.domain.canonical import canonical_json
from millrace.domain.kinds import ColumnType, Task

NOON = datetime(2013, 5, 1, 12, tzinfo=UTC)

FRAME = pd.DataFrame(
    {"distance": [100.0, 250.5, 80.0], "seats": [150, 180, 20], "carrier": ["AA", "UA", None]}
)

SCHEMA = Schema(
    Task.REGRESSION,
    (
        InputColumn("distance", ColumnType.FLOAT, nullable=True),
        InputColumn("seats", ColumnType.INT, nullable=True),
        InputColumn("carrier", ColumnType.STRING, nullable=True, categorical=True),
    ),
)

CODE = CodeDigests(millrace="m", flows="f", tasks="t", model_files="d", lock="l")


CREATE_AND_MARK = """
import sqlite3, sys
from pathlib import Path
from millrace.adapters.catalogue import Catalogue, create_store
path = Path(sys.argv[1])
create_store(path)
with sqlite3.connect(path) as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS marks (mark INTEGER)")
    connection.execute("INSERT INTO marks VALUES (1)")
connection.close()
print(Catalogue(f"sqlite:///{path}", path.parent).is_reachable())
"""


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "catalogue.sqlite"
    create_store(path)
    return path


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty_store, tmp_path / "catalogue.sqlite"))


@pytest.fixture
def catalogue(store: Path, tmp_path: Path) -> Catalogue:
    return Catalogue(f"sqlite:///{store}", tmp_path / "mlartifacts")


@pytest.fixture
def client(store: Path) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(f"sqlite:///{store}", f"sqlite:///{store}")


@pytest.fixture
def record(tmp_path: Path) -> TrainingRecord:
    return training(tmp_path, intercept=7.0, run_key="train:1")


@pytest.fixture
def users_mlflow(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # by the environment: an address that was set in the process stays set, and later tests would use it
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store}")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{store}")


@pytest.fixture
def server_url(store: Path, tmp_path: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    served = [
        "--backend-store-uri",
        f"sqlite:///{store}",
        "--artifacts-destination",
        str(tmp_path / "served"),
    ]
    command = [sys.executable, "-m", "mlflow", "server", *served, "--workers", "1", "--port", str(port)]
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    while server.poll() is None and not answers(port):
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def scorer_bytes(intercept: float) -> bytes:
    """Answer distance + seats + intercept, and a thousand more for UA."""
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["carrier"],
            ["bonus"],
            domain="ai.onnx.ml",
            keys_strings=["UA"],
            values_floats=[1000.0],
            default_float=0.0,
        ),
        helper.make_node("Sum", ["distance", "seats", "bonus", "intercept"], ["answer"]),
    ]
    types = {"distance": TensorProto.FLOAT, "seats": TensorProto.FLOAT, "carrier": TensorProto.STRING}
    graph = helper.make_graph(
        nodes,
        "scorer",
        [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in types.items()],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor("intercept", TensorProto.FLOAT, [1], [intercept])],
    )
    versions = [helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 2)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=versions, ir_version=8)
    return model.SerializeToString()


def training(folder: Path, intercept: float, run_key: str) -> TrainingRecord:
    files = {
        Engine.ONNX.file_name: scorer_bytes(intercept),
        SCHEMA_FILE: canonical_json(SCHEMA).encode(),
        PROFILE_FILE: b"{}",
        EXAMPLES_FILE: canonical_json(Examples((), ())).encode(),
    }
    digests = digests_of(files)
    manifest = Manifest("fares", Task.REGRESSION, Engine.ONNX, digests, "v1", ("2013-01-01",), CODE, 7, {})
    digest = write_bundle(folder / "bundles", manifest, files)
    bundle_dir = folder / "bundles" / digest
    return TrainingRecord(
        model="fares",
        run_key=run_key,
        digest=digest,
        bundle_dir=bundle_dir,
        parameters={"learning_rate": 0.1, "seed": 7},
        metrics={"recent/mae": 3.5},
        monthly={"mae": {"2013-03": 3.0, "2013-04": 4.0}},
        tags={"dataset": "abc", "git_commit": "123", "lock": "456"},
        tables={"gate.md": "| rule |\n", "decision.json": '{"action": "TRAIN"}'},
        trials=[{"depth": 3, "mae": 4.0}, {"depth": 5, "mae": 3.5, "pruned": True}],
        example=FRAME,
        answers=load_scorer(bundle_dir).answer(FRAME),
        at=NOON,
    )


def test_a_run_shows_params_metrics_by_month_tables_trials_and_tags(
    catalogue: Catalogue, client: mlflow.MlflowClient, record: TrainingRecord, tmp_path: Path
) -> None:
    run_id = catalogue.record(record).run_id
    run = client.get_run(run_id)
    assert run.data.params == {"learning_rate": "0.1", "seed": "7"}
    assert run.data.metrics == {"recent/mae": 3.5, "monthly/mae": 4.0}
    history = client.get_metric_history(run_id, "monthly/mae")
    assert [(metric.step, metric.value) for metric in history] == [(201303, 3.0), (201304, 4.0)]
    assert record.tags.items() <= run.data.tags.items()
    assert (run.info.status, run.info.start_time) == ("FINISHED", int(NOON.timestamp() * 1000))
    artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
    assert artifacts.is_relative_to(tmp_path / "mlartifacts" / "fares")
    assert json.loads((artifacts / "decision.json").read_text()) == {"action": "TRAIN"}
    assert (artifacts / "trials.csv").read_text() == "depth,mae,pruned\n3,4.0,\n5,3.5,True\n"


@pytest.mark.usefixtures("users_mlflow")
def test_mlflow_answers_what_the_bundle_answers(catalogue: Catalogue, record: TrainingRecord) -> None:
    catalogue.set_alias("fares", "champion", catalogue.record(record).version)
    loaded = mlflow.pyfunc.load_model("models:/fares@champion")
    np.testing.assert_array_equal(loaded.predict(FRAME), [257.0, 1437.5, 107.0])
    reordered = FRAME[["carrier", "seats", "distance"]].assign(flight="never a feature")
    np.testing.assert_array_equal(loaded.predict(reordered), loaded.predict(FRAME))


@pytest.mark.usefixtures("users_mlflow")
@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("seats", pd.Series([150, None, 20])),
        ("seats", pd.Series([150, None, 20], dtype="Int64")),
        ("distance", pd.Series([None, None, None], dtype=object)),
        ("carrier", pd.Series(["AA", "UA", None], dtype=object)),
        ("carrier", pd.Series([None, None, None], dtype=object)),
    ],
)
def test_mlflow_takes_nulls_and_types_that_the_example_did_not_hold(
    catalogue: Catalogue, record: TrainingRecord, column: str, values: "pd.Series[object]"
) -> None:
    catalogue.record(record)
    frame = FRAME.assign(**{column: values})
    answers = mlflow.pyfunc.load_model("models:/fares/1").predict(frame)
    np.testing.assert_array_equal(answers, load_scorer(record.bundle_dir).answer(frame))


@pytest.mark.usefixtures("users_mlflow")
def test_mlflow_refuses_rows_without_a_feature_or_with_text_for_a_number(
    catalogue: Catalogue, record: TrainingRecord
) -> None:
    catalogue.record(record)
    loaded = mlflow.pyfunc.load_model("models:/fares/1")
    with pytest.raises(mlflow.MlflowException, match=r"missing inputs \['carrier'\]"):
        loaded.predict(FRAME[["distance", "seats"]])
    with pytest.raises(mlflow.MlflowException, match="Incompatible input types for column distance"):
        loaded.predict(FRAME.assign(distance="far"))


@pytest.mark.usefixtures("users_mlflow")
def test_a_changed_byte_in_the_catalogue_is_not_served(
    catalogue: Catalogue, client: mlflow.MlflowClient, record: TrainingRecord
) -> None:
    run = client.get_run(catalogue.record(record).run_id)
    artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
    (scorer,) = artifacts.rglob("scorer.onnx")
    scorer.write_bytes(scorer_bytes(intercept=8.0))
    with pytest.raises(Exception, match=r"scorer\.onnx: found"):
        mlflow.pyfunc.load_model("models:/fares/1")


def test_the_model_names_no_package_that_someone_else_could_upload(
    catalogue: Catalogue, client: mlflow.MlflowClient, record: TrainingRecord
) -> None:
    run = client.get_run(catalogue.record(record).run_id)
    folder = Path(run.info.artifact_uri.removeprefix("file://")) / "bundle"
    requirements = (folder / "requirements.txt").read_text().splitlines()
    assert f"mlflow=={mlflow.__version__}" in requirements
    assert all("==" in line and not line.startswith("millrace") for line in requirements)
    assert not list(folder.rglob("*.pkl"))


def test_recording_twice_is_recording_once(
    catalogue: Catalogue, client: mlflow.MlflowClient, record: TrainingRecord, store: Path, tmp_path: Path
) -> None:
    first = catalogue.record(record)
    again = Catalogue(f"sqlite:///{store}", tmp_path / "mlartifacts").record(record)
    assert again == first
    assert len(client.search_runs([client.get_experiment_by_name("fares").experiment_id])) == 1
    assert len(client.search_model_versions("name = 'fares'")) == 1


def test_a_crash_before_the_registration_only_leaves_the_registration_to_do(
    catalogue: Catalogue, client: mlflow.MlflowClient, record: TrainingRecord
) -> None:
    first = catalogue.record(record)
    client.delete_model_version("fares", str(first.version))
    assert catalogue.record(record).run_id == first.run_id
    assert catalogue.find_version("fares", record.digest) is not None


def test_a_run_that_a_crash_left_half_written_is_written_anew(
    catalogue: Catalogue, client: mlflow.MlflowClient, record: TrainingRecord
) -> None:
    experiment = client.create_experiment("fares", artifact_location=record.bundle_dir.parent.as_uri())
    half = client.create_run(experiment, tags={"run_key": record.run_key})
    client.log_param(half.info.run_id, "learning_rate", "0.9")
    registered = catalogue.record(record)
    assert [run.info.run_id for run in client.search_runs([experiment])] == [registered.run_id]
    assert client.get_run(registered.run_id).data.params["learning_rate"] == "0.1"


def test_on_an_mlflow_server_all_is_the_same_and_stays_there(
    server_url: str, record: TrainingRecord, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    months = {f"{year}-{month:02}": 1.0 for year in range(1900, 2000) for month in range(1, 13)}
    many = {f"p{number}": number for number in range(250)}
    catalogue = Catalogue(server_url, tmp_path / "mlartifacts")
    registered = catalogue.record(dataclasses.replace(record, parameters=many, monthly={"mae": months}))
    catalogue.set_alias("fares", "champion", registered.version)
    assert capfd.readouterr() == ("", "")
    client = mlflow.MlflowClient(server_url, server_url)
    assert len(client.get_run(registered.run_id).data.params) == 250
    assert len(client.get_metric_history(registered.run_id, "monthly/mae")) == 1200
    assert client.get_model_version_by_alias("fares", "champion").run_id == registered.run_id
    kept = client.download_artifacts(registered.run_id, f"bundle/data/{record.digest}", str(tmp_path))
    np.testing.assert_array_equal(load_scorer(Path(kept)).answer(FRAME), record.answers)
    assert not (tmp_path / "mlartifacts").exists()


def test_each_training_is_a_version_and_a_digest_finds_its_newest(
    catalogue: Catalogue, record: TrainingRecord, tmp_path: Path
) -> None:
    other = training(tmp_path, intercept=8.0, run_key="train:2")
    retrained = dataclasses.replace(record, run_key="train:3")
    assert [catalogue.record(each).version for each in (record, other, retrained)] == [1, 2, 3]
    assert catalogue.find_version("fares", other.digest) == 2
    assert catalogue.find_version("fares", record.digest) == 3
    assert catalogue.find_version("fares", "0" * 64) is None
    assert catalogue.find_version("tolls", record.digest) is None


def test_an_alias_moves_and_goes_away_however_often_it_is_told_to(
    catalogue: Catalogue, record: TrainingRecord, tmp_path: Path
) -> None:
    assert catalogue.alias("fares", "champion") is None
    catalogue.set_alias("fares", "champion", None)
    catalogue.record(record)
    catalogue.record(training(tmp_path, intercept=8.0, run_key="train:2"))
    for version in (1, 2, 2, None, None):
        catalogue.set_alias("fares", "champion", version)
        assert catalogue.alias("fares", "champion") == version


def test_an_alias_cannot_point_at_a_version_that_is_not_there(
    catalogue: Catalogue, record: TrainingRecord
) -> None:
    catalogue.record(record)
    with pytest.raises(UnregisteredVersionError, match="fares: the catalogue has no version 2 "):
        catalogue.set_alias("fares", "champion", 2)
    assert catalogue.alias("fares", "champion") is None


def test_nothing_of_mlflow_reaches_the_terminal(
    catalogue: Catalogue,
    record: TrainingRecord,
    capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    logging.getLogger("mlflow").setLevel(logging.INFO)
    catalogue.set_alias("fares", "champion", catalogue.record(record).version)
    assert capfd.readouterr() == ("", "")
    assert [warning.message for warning in recwarn if "mlflow" in warning.filename] == []


def test_recording_leaves_the_mlflow_of_the_process_alone(
    catalogue: Catalogue, record: TrainingRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    before = mlflow.get_tracking_uri()
    catalogue.record(record)
    assert mlflow.get_tracking_uri() == before
    assert mlflow.active_run() is None


def test_processes_that_race_create_one_store_in_wal_mode_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "var" / "catalogue.sqlite"
    command = [sys.executable, "-c", CREATE_AND_MARK, str(path)]
    racing = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    assert [each.communicate() for each in racing] == [(b"True\n", b"")] * 2
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("SELECT count(*) FROM marks").fetchone() == (2,)
    assert {each.name for each in path.parent.iterdir()} == {"catalogue.sqlite", "catalogue.sqlite.lock"}


def test_a_creation_that_was_killed_leaves_nothing_in_the_way(empty_store: Path, tmp_path: Path) -> None:
    unfinished = tmp_path / ".catalogue.sqlite.half"
    unfinished.write_bytes(empty_store.read_bytes()[:5000])
    assert Catalogue(f"sqlite:///{tmp_path / 'catalogue.sqlite'}", tmp_path / "mlartifacts").is_reachable()


def test_a_file_that_is_no_store_and_a_dead_server_are_not_reachable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    (tmp_path / "catalogue.sqlite").write_bytes(b"not a database" * 100)
    broken = f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    assert not Catalogue(broken, tmp_path).is_reachable()
    assert not Catalogue("http://127.0.0.1:9", tmp_path).is_reachable()


def test_a_store_relative_to_the_working_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RelativeStoreError, match="an absolute sqlite://// address was needed"):
        Catalogue("sqlite:///mlflow.db", tmp_path).alias("fares", "champion")
