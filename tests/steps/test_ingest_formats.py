"""Does a file in the format that model.toml says become a part with the right values, whatever kind it is?"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from millrace.adapters.models import load_source
from millrace.adapters.parts import read_parts
from millrace.steps.batch import BatchOutcome
from millrace.steps.dataset import current_dataset
from millrace.steps.inbox import InboxWatch
from tests.conftest import NOON, Home
from tests.loop import take_in

GERMAN = """
[data.format]
delimiter = ";"
encoding = "cp1252"
decimal = ","
thousands = "."
nulls = ["-", "k. A."]

[data.format.times]
at = "%d.%m.%Y %H:%M:%S"
"""


def rides(home: Home) -> pd.DataFrame:
    rows = load_source(home.models, "fares").read_batch("2013-01")
    rows["distance_km"] = rows["distance_km"].round(3)
    rows["fare"] = (rows["fare"] * 100).round(2)
    rows["noise"] = rows["noise"].round(4)
    rows["tariff"] = rows["tariff"].replace("day", "tagsüber 1.5")
    return rows.assign(fare=rows["fare"].where(rows.index % 50 > 0))


def speak(home: Home, format_: str) -> None:
    file = home.models / "fares" / "model.toml"
    text = file.read_text(encoding="utf-8").replace('["day", "night"]', '["tagsüber 1.5", "night"]')
    file.write_text(text.replace("\n[features]", f"{format_}\n[features]"), encoding="utf-8")


def spelled(number: float) -> str:
    return "-" if np.isnan(number) else f"{number:,.4f}".translate(str.maketrans(",.", ".,"))


def to_german_csv(rows: pd.DataFrame, path: Path) -> None:
    texts = rows.assign(
        at=rows["at"].dt.strftime("%d.%m.%Y %H:%M:%S"),
        ride=[f"{ride:,}".replace(",", ".") for ride in rows["ride"]],
        **{name: rows[name].map(spelled) for name in ("distance_km", "noise", "fare")},
    )
    texts.to_csv(path, sep=";", index=False, encoding="cp1252")


def to_excel(rows: pd.DataFrame, path: Path) -> None:
    rows.assign(at=rows["at"].dt.tz_localize(None)).to_excel(path, index=False, startrow=2)


def to_json_lines(rows: pd.DataFrame, path: Path) -> None:
    rows.to_json(path, orient="records", lines=True, date_format="iso", date_unit="us", double_precision=15)


FILES: list[tuple[str, str, Callable[[pd.DataFrame, Path], object]]] = [
    ("january.csv", GERMAN, to_german_csv),
    ("january.xlsx", "", to_excel),
    ("january.jsonl", "", to_json_lines),
    ("january.csv.gz", "", lambda rows, path: rows.to_csv(path, index=False)),
    ("january.tsv", '\n[data.format]\ndelimiter = "\\t"\n',
     lambda rows, path: rows.to_csv(path, index=False, sep="\t")),
    ("january.txt", '\n[data.format]\nencoding = "utf-16"\n',
     lambda rows, path: rows.to_csv(path, index=False, encoding="utf-16")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "format_", "write"), FILES, ids=[file[0] for file in FILES])
def test_a_file_in_the_models_format_becomes_a_part_with_its_values(
    fares: Home, name: str, format_: str, write: Callable[[pd.DataFrame, Path], object]
) -> None:
    rows = rides(fares)
    speak(fares, format_)
    path = fares.inbox("fares", name)
    write(rows, path)
    [result] = take_in("fares", NOON, [path])
    assert (result.outcome, result.violations) == (BatchOutcome.ACCEPTED, ())
    accepted = read_parts(fares.path / "data" / "fares", current_dataset("fares").parts)
    wanted = rows.assign(at=rows["at"].dt.as_unit("us"))
    pd.testing.assert_frame_equal(accepted, wanted[accepted.columns], check_dtype=False, rtol=1e-12)


def test_a_word_that_means_nothing_among_numbers_is_a_category_among_texts(fares: Home) -> None:
    rows = rides(fares).assign(tariff="k. A.")
    file = fares.models / "fares" / "model.toml"
    text = file.read_text(encoding="utf-8").replace('["day", "night"]', '["k. A.", "night"]')
    file.write_text(text.replace("\n[features]", f"{GERMAN}\n[features]"), encoding="utf-8")
    path = fares.inbox("fares", "january.csv")
    to_german_csv(rows, path)
    [result] = take_in("fares", NOON, [path])
    assert (result.outcome, result.violations) == (BatchOutcome.ACCEPTED, ())
    accepted = read_parts(fares.path / "data" / "fares", current_dataset("fares").parts)
    assert accepted["tariff"].unique().tolist() == ["k. A."]
    assert accepted["fare"].isna().sum() == rows["fare"].isna().sum() > 0


def test_a_file_in_another_format_waits_in_quarantine_with_what_is_wrong(fares: Home) -> None:
    rows = rides(fares)
    speak(fares, GERMAN)
    path = fares.inbox("fares", "english.csv")
    rows.to_csv(path, index=False, sep=";", encoding="cp1252")
    [result] = take_in("fares", NOON, [path])
    assert result.outcome is BatchOutcome.QUARANTINED
    wrong = {violation.column: violation for violation in result.violations if violation.clause == "type"}
    assert {"at", "distance_km", "noise", "fare"} <= set(wrong)
    assert "[decimal is ',']" in wrong["distance_km"].examples[0]
    assert "[not %d.%m.%Y %H:%M:%S]" in wrong["at"].examples[0]


def test_a_file_with_another_delimiter_waits_in_quarantine(fares: Home) -> None:
    path = fares.inbox("fares", "semicolons.csv")
    rides(fares).to_csv(path, index=False, sep=";")
    [result] = take_in("fares", NOON, [path])
    assert result.outcome is BatchOutcome.QUARANTINED
    assert {"missing", "extra"} >= {violation.clause for violation in result.violations}


def test_files_of_each_kind_are_seen_in_the_inbox(fares: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("millrace.steps.inbox.QUIET_SECONDS", 0.0)
    monkeypatch.setattr("millrace.steps.inbox.SEALED_QUIET_SECONDS", 0.0)
    file = fares.models / "fares" / "model.toml"
    text = file.read_text(encoding="utf-8").replace("[data]", '[data]\ninbox = "inbox/fares/*"')
    file.write_text(text, encoding="utf-8")
    for name in ("a.csv", "b.jsonl", "c.xlsx", "d.csv.gz"):
        fares.inbox("fares", name).write_bytes(name.encode())
    assert sorted(path.name for path in InboxWatch().list_unseen("fares")) == [
        "a.csv", "b.jsonl", "c.xlsx", "d.csv.gz",
    ]  # fmt: skip
