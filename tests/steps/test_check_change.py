"""A change is tried on a sample: the exit code says whether it passed, and nothing is left of it."""

import json
import tempfile
from pathlib import Path

import pytest

from millrace.adapters.dataset_files import UnknownDatasetError
from millrace.adapters.parts import CorruptPartError
from millrace.cli.check_change import check_change
from millrace.domain.change_report import ChangeReport
from millrace.domain.verdict import Outcome
from millrace.steps import check_change as step
from millrace.steps.check_change import NoCheckPolicyError
from tests.conftest import NOON, Home
from tests.loop import take_in

MODEL = "progression"


def check(rows: int | None = None) -> ChangeReport:
    return step.check_change(MODEL, rows, lambda _done, _total: None)


def exit_code(model: str = MODEL, **options: object) -> object:
    with pytest.raises(SystemExit, match=r"^\d$") as caught:
        check_change(model, **options)  # type: ignore[arg-type]
    return caught.value.code


def files_of(*folders: Path) -> dict[Path, bytes]:
    # SQLite's shared memory (-shm) changes when a ledger is read
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    return {file: file.read_bytes() for file in files if not file.name.endswith("-shm")}


def test_an_unchanged_model_passes_and_nothing_is_left_of_the_check(
    published: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = files_of(published.path, published.models)
    assert exit_code() == 0
    assert files_of(published.path, published.models) == before
    assert not list(tmp_path.glob("millrace-check-*"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Trained on a sample of 200 of 255 rows, judged on 133 recent rows of ")
    assert lines[-1].startswith("pass: MAE ")


def test_a_change_that_takes_what_matters_away_exits_with_3_and_shows_the_table(
    published: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published.learn_from(MODEL, "age_years")
    assert exit_code(markdown=tmp_path / "new" / "report.md") == 3
    shown = capsys.readouterr().out
    rows = {cells[0]: cells[1:] for line in shown.splitlines() if (cells := line.split())}
    assert float(rows["mae"][2]) < -4.0
    assert float(rows["rmse"][2]) < -4.0
    assert rows["fail:"][0] == "MAE"
    report = (tmp_path / "new" / "report.md").read_text("utf-8")
    assert report.startswith("### `progression`: fail\n")
    assert f"| mae | {rows['mae'][0]} | {rows['mae'][1]} | {rows['mae'][2]} |" in report


def test_a_change_of_the_data_is_judged_on_todays_rows_that_neither_has_learned_from(published: Home) -> None:
    rows = check()
    golden = published.models / MODEL / "model.toml"
    golden.write_text(golden.read_text("utf-8").replace("share = 0.3 ", "share = 0.6 "), "utf-8")
    moved = check()
    # more blocks would judge now, but those the champion has learned from may not
    assert moved.judged_rows == rows.judged_rows
    assert moved.training_rows < rows.training_rows


def test_without_a_champion_nothing_passes_and_it_says_what_to_do(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    take_in(MODEL, NOON)
    assert exit_code(json=True) == 3
    report = json.loads(capsys.readouterr().out)
    assert report["outcome"] == "inconclusive"
    assert report["reason"].endswith("`millrace retrain progression` makes the first")


def test_too_few_judged_blocks_never_pass(published: Home) -> None:
    published.rewrite(MODEL, "min_blocks = 30 ", "min_blocks = 200 ")
    report = check()
    assert report.outcome is Outcome.INCONCLUSIVE
    assert report.reason.startswith("126 blocks, 200 needed")


def test_more_rows_than_there_are_train_on_all_of_them(published: Home) -> None:
    report = check(rows=10_000)
    assert report.sample_rows == report.training_rows == 255
    assert report.differences[0].gain == pytest.approx(0.0)
    assert report.how.startswith("Trained on all 255 rows")


def test_without_a_policy_it_is_an_error_that_says_what_to_write(published: Home) -> None:
    with pytest.raises(NoCheckPolicyError, match=r"Write \[check\] with rows .* and max_excess_loss"):
        check_change("fares")


def test_without_a_dataset_or_with_rotten_bytes_it_is_an_error(home: Home, published: Home) -> None:
    [part] = (published.path / "data" / MODEL).iterdir()
    part.chmod(0o644)
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptPartError, match="millrace data restore progression"):
        check()
    (published.path / "datasets" / f"{MODEL}.json").unlink()
    with pytest.raises(UnknownDatasetError, match="millrace ingest progression"):
        check()
