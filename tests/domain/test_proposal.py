"""What a table is taken for: tables designed so that the right answer is obvious."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from millrace.adapters.tables import scan_table
from millrace.domain.config import FormatSection
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.proposal import (
    ModelNameError,
    NotModelledError,
    UnknownColumnError,
    Wishes,
    complete,
    config_of,
    model_file,
    propose,
)
from millrace.domain.proposal.card import DataFile, card_of
from millrace.domain.proposal.findings import Probe
from millrace.domain.proposal.sensitive import is_sensitive
from tests.domain.proposed import draft_of, left_out, rows, scan_of

DAYS = pd.date_range("2024-01-01", periods=400, freq="D", tz="UTC")


def codes(count: int) -> list[str]:
    """Name every row by a code that means nothing."""
    return [f"X{number * 7919 % 100_003:06d}" for number in range(count)]


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([True, False], Task.BINARY),
        ([0, 1], Task.BINARY),
        (["yes", "no"], Task.BINARY),
        (["ja", "nein"], Task.BINARY),
        ([0.5, 1.5], Task.BINARY),
        (["red", "green", "blue"], Task.MULTICLASS),
        ([1, 2, 3, 4], Task.MULTICLASS),
        (list(range(100)), Task.REGRESSION),
        ([0.1, 0.2, 0.3], Task.REGRESSION),
    ],
)
def test_the_task_follows_from_the_values_of_the_target(values: list[Any], task: Task) -> None:
    table = rows().drop(columns="price")
    table["target"] = np.random.default_rng(1).choice(values, len(table))
    assert draft_of(table, "target").target.task is task


def test_few_whole_numbers_are_a_doubt_and_the_option_decides_it() -> None:
    table = rows().drop(columns="price").assign(stars=np.arange(400) % 5)
    doubts = draft_of(table, "stars").doubts
    assert any("5 whole numbers of stars are classes or amounts" in one.what for one in doubts)
    assert draft_of(table, "stars", task=Task.REGRESSION).target.task is Task.REGRESSION


def test_whole_numbers_some_of_which_are_rare_are_amounts() -> None:
    counts = np.where(np.arange(400) < 5, 7, np.arange(400) % 3)
    draft = draft_of(rows().drop(columns="price").assign(flares=counts), "flares")
    assert draft.target.task is Task.REGRESSION
    assert any("amounts or classes" in one.what for one in draft.doubts)


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ([1.5] * 400, "is '1.5' in all 400 rows; nothing can be learned of what never varies"),
        ([None] * 400, "is empty in all 400 rows"),
        ([1.0, 2.0, *[None] * 398], "2 of 400 rows have a target; at least 60"),
        (codes(400), "400 different texts in 400 rows; at most 50 classes"),
        (["rare"] * 9 + ["often"] * 391, "class 'rare' of 'target' has 9 rows; a class needs 10"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_what_to_do(target: list[Any], found: str) -> None:
    table = rows().drop(columns="price").assign(target=target)
    with pytest.raises(NotModelledError, match=found):
        draft_of(table, "target")


def test_a_handful_of_rows_is_refused() -> None:
    with pytest.raises(NotModelledError, match="59 of 59 rows have a target; at least 60 are needed"):
        draft_of(rows(59), "price")


def test_an_unknown_column_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(UnknownColumnError, match="--target 'Prise': no such column; did you mean 'price'"):
        draft_of(rows(), "Prise")
    with pytest.raises(UnknownColumnError, match="--keep 'flor': no such column; did you mean 'floor'"):
        draft_of(rows(), "price", keep=("flor",))


def test_a_name_no_model_can_have_is_refused_with_one_it_can() -> None:
    with pytest.raises(ModelNameError, match="Try 'spate-fluge'"):
        draft_of(rows(), "price", name="Späte Flüge")


def test_nothing_left_to_learn_from_is_refused_with_every_reason() -> None:
    table = pd.DataFrame({"id": codes(400), "country": "at", "y": np.random.default_rng(0).normal(size=400)})
    with pytest.raises(NotModelledError, match=r"no column is left to learn from .*country: 'at' wherever"):
        draft_of(table, "y")


def test_a_column_of_times_is_the_time_and_its_blocks_are_days() -> None:
    draft = draft_of(rows().assign(day=DAYS), "price")
    assert (draft.time, draft.split.block) == ("day", "1d")
    assert min(draft.split.recent_blocks, draft.split.golden_blocks) >= 14
    assert any("label_delay" in one.line for one in draft.doubts)


def test_of_several_times_the_one_that_rises_is_taken_and_said() -> None:
    shuffled = np.random.default_rng(0).permutation(DAYS.to_numpy())
    table = rows().assign(built=pd.to_datetime(shuffled, utc=True), sold=DAYS)
    draft = draft_of(table, "price")
    assert draft.time == "sold"
    assert any("took sold, it rises from row to row, not built" in one.what for one in draft.doubts)
    assert "a time" in left_out(draft)["built"]
    assert draft_of(table, "price", time="built").time == "built"


def test_hours_are_the_blocks_of_a_few_days() -> None:
    hours = pd.date_range("2024-01-01", periods=2_000, freq="15min", tz="UTC")
    assert draft_of(rows(2_000).assign(at=hours), "price").split.block in {"6h", "1h"}


def test_a_time_with_too_few_blocks_is_no_time_and_that_is_said() -> None:
    table = rows().assign(day=pd.to_datetime(["2024-01-01", "2024-01-02"] * 200, utc=True))
    draft = draft_of(table, "price")
    assert draft.time is None
    assert any("day gives too few blocks" in one.what for one in draft.doubts)


@pytest.mark.parametrize("nulls", [1, 200])
def test_a_named_time_with_gaps_is_refused(nulls: int) -> None:
    table = rows().assign(day=pd.Series(DAYS).mask(np.arange(400) < nulls))
    with pytest.raises(NotModelledError, match=f"--time 'day' is empty in {nulls} of 400 rows"):
        draft_of(table, "price", time="day")


def test_a_unique_column_called_like_a_key_is_the_key() -> None:
    assert draft_of(rows().assign(flat_id=range(1000, 1400)), "price").key == ("flat_id",)
    assert draft_of(rows().assign(code=codes(400)), "price").key == ("code",)


@pytest.mark.parametrize("count", [7_000, 30_000])
@pytest.mark.parametrize("first", [1, 10_001, 5_000_000])
def test_the_number_of_a_row_is_the_key_of_tables_of_any_size(tmp_path: Path, count: int, first: int) -> None:
    path = tmp_path / "orders.parquet"
    rows(count).assign(order_id=range(first, first + count)).to_parquet(path, index=False)
    draft = propose(scan_table(path, FormatSection(), 20_000), Wishes("planted", "price"))
    assert draft.key == ("order_id",)


def test_a_number_that_repeats_now_and_then_is_no_key_however_many_there_are(tmp_path: Path) -> None:
    path, table = tmp_path / "orders.parquet", rows(30_000).assign(order_id=range(30_000))
    table.loc[::40, "order_id"] += 1
    table.to_parquet(path, index=False)
    draft = propose(scan_table(path, FormatSection(), 20_000), Wishes("planted", "price"))
    assert draft.key == ()


def test_keys_that_may_repeat_beyond_the_sample_have_some_room() -> None:
    table = rows(25_000).assign(order_id=range(25_000))
    table.loc[1, "order_id"] = 0  # every second row is in the sample, and this one is not
    scan = scan_of(table, sample_rows=12_500)
    assert scan.sample["order_id"].is_unique
    config = config_of(complete(propose(scan, Wishes("planted", "price", key=("order_id",))), None))
    assert config.contract.max_duplicate_share == 0.02
    assert (
        config_of(
            complete(draft_of(rows().assign(order_id=range(400)), "price"), None)
        ).contract.max_duplicate_share
        == 0.0
    )


def test_numbers_that_hardly_any_row_has_are_left_out_with_their_count() -> None:
    table = rows(500).assign(sparse=[1.5, 2.5, 3.5] + [np.nan] * 497)
    assert (
        left_out(draft_of(table, "price"))["sparse"] == "empty but for 3 of 500 rows: too few to learn from"
    )


def test_a_date_of_birth_is_not_the_time_of_a_row() -> None:
    born = pd.date_range("1940-01-01", periods=400, freq="40D", tz="UTC")
    draft = draft_of(rows().assign(date_of_birth=born), "price")
    assert draft.time is None
    assert "date_of_birth" in left_out(draft)


def test_times_to_come_are_not_the_time_of_a_row_unless_they_are_named() -> None:
    now, table = DAYS[200].to_pydatetime(), rows().assign(due_date=DAYS)
    draft = draft_of(table, "price", now=now)
    assert draft.time is None
    assert any(
        one.what.startswith("due_date has times in the future") and one.line == "--time due_date"
        for one in draft.doubts
    )
    assert draft_of(table.assign(sold_at=DAYS.shift(-300)), "price", now=now).time == "sold_at"
    named = draft_of(table, "price", now=now, time="due_date")
    assert named.time == "due_date"
    assert any("rows teach and judge once they are over" in one.what for one in named.doubts)
    assert draft_of(table, "price", now=DAYS[-1].to_pydatetime()).time == "due_date"


def test_few_whole_numbers_with_gaps_are_classes_as_those_without() -> None:
    stars = np.where(np.arange(400) % 50, np.arange(400) % 4, np.nan)
    scan = scan_of(rows().drop(columns="price").assign(stars=stars))
    floats = replace(
        scan,
        columns=tuple(
            replace(one, type=ColumnType.FLOAT, common=tuple((f"{name}.0", n) for name, n in one.common))
            if one.name == "stars"
            else one
            for one in scan.columns
        ),
    )
    target = propose(floats, Wishes("planted", "stars")).target
    assert (target.task, len(target.classes)) == (Task.MULTICLASS, 4)


def test_a_class_of_two_writings_is_refused() -> None:
    table = rows().drop(columns="price")
    table["sold"] = np.random.default_rng(2).choice(["yes", "yes ", "no"], 400)
    with pytest.raises(NotModelledError, match=r"has the classes 'yes ?' and 'yes ?'"):
        draft_of(table, "sold")
    table["letter"] = np.random.default_rng(2).choice(["a", "A", "b"], 400)
    assert len(draft_of(table.drop(columns="sold"), "letter").target.classes) == 3


def test_a_measurement_is_never_a_key_however_unique() -> None:
    draft = draft_of(rows(), "price")
    assert draft.key == ()
    assert {one.column for one in draft.features} == {"area", "height", "floor", "district"}


def test_rows_of_one_entity_are_kept_together() -> None:
    table = rows(600).assign(patient_id=np.repeat(np.arange(120), 5))
    draft = draft_of(table, "price")
    assert draft.group == "patient_id"
    assert any("rows belong together" in one.what for one in draft.doubts)
    config = config_of(complete(draft, None))
    assert (config.data.group, config.data.key) == ("patient_id", ())


def test_groups_that_look_personal_are_left_out_and_told() -> None:
    mails = [f"person{number}@example.org" for number in range(120)]
    draft = draft_of(rows(600).assign(user_email=np.repeat(mails, 5)), "price")
    assert draft.group is None
    [told] = [one for one in draft.doubts if one.line == "data.group"]
    assert told.what.startswith(
        "user_email may be an entity with several rows each, and holds mail addresses"
    )
    config = config_of(complete(draft, None))
    assert "user_email" in config.contract.ignored
    assert "user_email" not in config.contract.columns


def test_each_kind_of_column_finds_its_place() -> None:
    source, count = np.random.default_rng(3), 600
    words = [
        "quick",
        "delivery",
        "broken",
        "parcel",
        "friendly",
        "driver",
        "never",
        "again",
        "thanks",
        "late",
    ]
    table = rows(count).assign(
        stage=source.choice(["a", "b", None], count),
        is_new=source.random(count) > 0.5,
        product_code=source.integers(1, 8, count),
        comment=[" ".join(source.choice(words, 6)) for _ in range(count)],
        empty=None,
        constant=1,
        voucher=codes(count),
        serial=source.permutation(codes(count)),
    )
    draft = draft_of(table, "price", key=("serial",))
    assert draft.of_kind("numeric") == ("area", "height", "floor")
    assert draft.of_kind("categorical") == ("district", "stage", "is_new", "product_code")
    assert draft.of_kind("text") == ("comment",)
    assert draft.key == ("serial",)
    assert set(left_out(draft)) == {"empty", "constant", "voucher"}


def test_sensitive_columns_are_watched_and_said() -> None:
    table = rows().assign(Geschlecht=np.resize(["w", "m"], 400), age=np.arange(400) % 60)
    draft = draft_of(table, "price")
    config = config_of(complete(draft, None))
    assert config.performance is not None
    assert config.performance.sensitive == ("Geschlecht",)
    assert config.performance.max_unfairness is not None
    assert any(one.what.startswith("age is, by its name") for one in draft.doubts)


def test_a_plane_s_age_is_not_a_person_s() -> None:
    assert [
        one for one in ("sex", "Alter", "marital_status", "plane_age", "stage", "image") if is_sensitive(one)
    ] == [
        "sex",
        "Alter",
        "marital_status",
    ]


def test_names_with_spaces_quotes_of_all_kinds_and_letters_of_all_kinds_can_be_written_and_read() -> None:
    names = {"area": "Fläche (m²)", "height": "height, m", "floor": "階", "price": "prix d'été = ?"}
    draft = draft_of(rows().rename(columns=names), "prix d'été = ?")
    config = config_of(complete(draft, None))
    assert config.data.target == "prix d'été = ?"
    assert set(config.features.names) == {"Fläche (m²)", "height, m", "階", "district"}


def test_the_same_table_gives_the_same_text() -> None:
    first, second = (model_file(complete(draft_of(rows(), "price"), None)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("count", [100, 300, 3_000])
def test_every_size_of_table_has_enough_of_every_kind_of_rows(count: int) -> None:
    split = draft_of(rows(count), "price").split
    assert min(split.recent_blocks, split.golden_blocks) >= split.min_blocks >= 14
    assert split.training >= 0.35 * count


def test_every_number_of_the_file_says_why() -> None:
    text = model_file(complete(draft_of(rows(), "price"), None))
    for section in (
        "[golden]",
        "[recent]",
        "[retrain]",
        "[rollout]",
        "[monitor]",
        "[drift]",
        "[health]",
        "[silence]",
    ):
        assert section in text
    lines = text.split("[golden]")[1].splitlines()
    numbers = [line for line in lines if " = " in line and "confidence" not in line]
    assert sum("#" in line for line in numbers) > 0.8 * len(numbers)


@pytest.mark.parametrize("name", ["orderid", "Kundennr", "oid", "invoiceno", "Bestellnummer"])
def test_a_compound_is_called_like_a_key(name: str) -> None:
    assert draft_of(rows().assign(**{name: range(1000, 1400)}), "price").key == (name,)


@pytest.mark.parametrize("name", ["paid", "valid_area", "piano", "humid"])
def test_a_word_that_ends_like_one_is_not(name: str) -> None:
    assert draft_of(rows().assign(**{name: np.random.default_rng(0).permutation(400)}), "price").key == ()


@pytest.mark.parametrize(
    "values",
    [
        [f"EUR {number}.50" for number in range(400)],
        [f"{number / 10:.1f}%" for number in range(400)],
        [f"{number // 60:02d}h{number % 60:02d}m" for number in range(400)],
        [f"town{'x' * (number % 7)}{number}" for number in range(400)],
        [f"2024-{number:05d}" for number in range(400)],
    ],
)
def test_texts_that_never_repeat_are_no_key_by_that_alone(values: list[str]) -> None:
    assert draft_of(rows().assign(what=values), "price").key == ()


def test_a_clean_code_is_the_key_and_a_doubt() -> None:
    doubts = draft_of(rows().assign(what=codes(400)), "price").doubts
    assert any(one.what.startswith("took what for the key: codes of one pattern") for one in doubts)


def test_a_time_that_a_footer_lacks_is_a_doubt() -> None:
    table = rows().assign(day=pd.Series(DAYS).mask(np.arange(400) == 399))
    draft = draft_of(table, "price")
    assert draft.time is None
    [doubt] = [one for one in draft.doubts if one.what.startswith("day would be the time")]
    assert "empty in 1 of 400 rows, as in a footer such as Total" in doubt.what
    assert doubt.line == "--time day"


@pytest.mark.parametrize("name", ["amount_id", "amount"])
@pytest.mark.parametrize("values", [range(400), [one % 20 for one in range(400)]])
def test_what_is_nearly_a_number_is_no_key_and_a_doubt(name: str, values: Any) -> None:
    texts = [str(one) for one in values]
    scan = scan_of(rows().assign(**{name: ["n/a", *texts[1:]]}))
    nearly = tuple(replace(one, nearly=ColumnType.INT) if one.name == name else one for one in scan.columns)
    draft = propose(replace(scan, columns=nearly), Wishes("planted", "price"))
    assert draft.key == ()
    assert any(f"{name} is taken for text, but nearly all of its values are numbers" in one.what
               for one in draft.doubts)  # fmt: skip


@pytest.mark.parametrize(("count", "step"), [(100, 50), (3_000, 100)])
def test_a_step_of_a_rollout_waits_for_requests_by_the_size_of_the_data(count: int, step: int) -> None:
    proposal = complete(draft_of(rows(count), "price"), None)
    rollout = config_of(proposal).rollout
    assert rollout is not None
    assert rollout.step_requests == step
    [doubt] = [one for one in proposal.doubts if "asked in batches" in one.what]
    assert doubt.line == 'rollout.strategy = "direct", without weights'


def test_rows_that_are_equal_by_chance_may_come_again_without_a_key() -> None:
    source = np.random.default_rng(0)
    few = pd.DataFrame({"a": source.integers(0, 25, 600), "b": source.integers(0, 4, 600)})
    few["sold"] = np.where(source.random(600) < few["a"] / 25, "yes", "no")
    contract = config_of(complete(draft_of(few, "sold"), None)).contract
    assert contract.max_duplicate_share == 1.0
    assert config_of(complete(draft_of(rows(), "price"), None)).contract.max_duplicate_share == 0.0


def test_what_the_numbers_say_of_themselves_is_true() -> None:
    text = model_file(complete(draft_of(rows(100)[["area", "price"]], "price"), None))
    assert "1 of 1 columns or more" in text
    assert "20% of what there is" in text
    assert "so all " in text.split("[check]")[1]


def probed(noise: float) -> Probe:
    """Return a probe of a classifier that is worth 0.1 of the AUC, between versions that differ so much."""
    losses = {"linear": 0.4, "hist_gradient_boosting": 0.41}
    return Probe(300, "linear", losses, 0.5, noise, noise, 0.0, 0.0, 0.05, "AUC 0.6 out of fold")


@pytest.mark.parametrize(
    ("noise", "margin", "why"), [(0.01, 0.02, "twice what is seen"), (0.08, 0.05, "half of what a model")]
)
def test_the_margin_says_whether_chance_or_the_model_s_worth_has_set_it(
    noise: float, margin: float, why: str
) -> None:
    table = rows().drop(columns="price").assign(sold=np.resize(["yes", "no"], 400))
    proposal = complete(draft_of(table, "sold"), probed(noise))
    [line] = [line for line in model_file(proposal).splitlines() if line.startswith("margin")]
    assert line.startswith(f"margin = {margin}")
    assert why in line
    card = card_of(proposal, DataFile("f.csv", "00", 1)).split("What to expect")[1]
    assert "`linear` on 300 rows: AUC 0.6 out of fold; one answer for all has 0.5." in card


def test_what_spans_all_numbers_has_no_range() -> None:
    table = rows()
    table["area"] = np.where(np.arange(len(table)) % 2, 1e308, -1e308)
    table["height"] = np.where(np.arange(len(table)) % 2, 1.5e308, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        columns = config_of(complete(draft_of(table, "price"), None)).contract.columns
    assert (columns["area"].min, columns["area"].max) == (None, None)
    assert (columns["height"].min, columns["height"].max) == (0.0, None)
