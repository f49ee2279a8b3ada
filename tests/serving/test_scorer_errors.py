"""Are rows that an arm cannot score in the log, as evidence about that arm and no other?"""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from millrace.domain.pointer import Arm, ServingSettings
from tests.serving.service import ServiceHome, running_service
from tests.serving.test_arms import answering, sklearn_bundle, window_of
from tests.serving.under_load import MODEL, PATH, edition, row

KNOWN = {"carrier": "AA"}
"""What a bundle takes that raises for any other carrier."""


def home_with_raising(folder: Path) -> tuple[ServiceHome, str, str]:
    """Return a home with a bundle that answers, and one that raises."""
    home = ServiceHome(folder / "home")
    return home, home.add(MODEL, edition(1)), home.add(MODEL, sklearn_bundle())


def ask_each(home: ServiceHome, rows: list[Any], *arms: str | Arm, **settings: Any) -> list[int]:
    """Ask for each of `rows`, which is one row or many, and return the statuses."""
    home.publish(MODEL, *arms, settings=ServingSettings(**settings))
    with running_service(home) as service:
        statuses = [service.post(PATH, one).status for one in rows]
        assert service.stop() == 0
    return statuses


def test_what_one_arm_cannot_score_is_logged_as_its_error(tmp_path: Path) -> None:
    home, whole, raising = home_with_raising(tmp_path)
    statuses = ask_each(
        home, [row(number) for number in range(60)], answering(whole, 50), answering(raising, 50)
    )
    rows = window_of(home).predictions
    failed = rows[rows["error"].notna()]
    assert 0 < len(failed) == statuses.count(500) < len(rows) == 60
    assert (set(failed["digest"]), set(failed["error"])) == ({raising}, {"ValueError"})
    assert failed["answer"].isna().all()
    assert set(rows.drop(failed.index)["digest"]) == {whole}
    assert rows.drop(failed.index)["answer"].notna().all()


def test_of_a_request_that_two_arms_share_only_what_failed_is_logged(tmp_path: Path) -> None:
    home, whole, raising = home_with_raising(tmp_path)
    many = [row(number) for number in range(40)]
    assert ask_each(home, [many], answering(whole, 50), answering(raising, 50), sticky_key="carrier") == [500]
    rows = window_of(home).predictions
    assert 0 < len(rows) < 40
    assert set(rows["digest"]) == {raising}
    assert rows["input.carrier"].tolist() == [many[at]["carrier"] for at in rows["row"]]


def test_two_arms_that_both_fail_are_both_logged(tmp_path: Path) -> None:
    home, _, raising = home_with_raising(tmp_path)
    manifest, files = sklearn_bundle()
    other = home.add(MODEL, (dataclasses.replace(manifest, seed=manifest.seed + 1), files))
    many = [row(number) for number in range(40)]
    arms = answering(raising, 50), answering(other, 50)
    assert ask_each(home, [many], *arms, sticky_key="carrier") == [500]
    rows = window_of(home).predictions
    assert (len(rows), set(rows["digest"])) == (40, {raising, other})


@pytest.mark.parametrize("durability", ["durable", "fast"])
def test_an_error_is_logged_without_its_words_and_what_is_private(tmp_path: Path, durability: str) -> None:
    home, _, raising = home_with_raising(tmp_path)
    rows = [row(1), row(2) | KNOWN]
    assert ask_each(home, rows, raising, left_out=("carrier",), durability=durability) == [500, 200]
    logged = window_of(home).predictions
    assert "input.carrier" not in logged
    assert logged["error"].notna().tolist() == [True, False]
    [segment] = home.predictions.glob("*.seg")
    assert b"ride 1" not in segment.read_bytes()
    said = (home.path / "said").read_text("utf-8")
    assert "ride 1" not in said
    assert "failed: ValueError" in said
    assert "in score" in said  # where it came from
