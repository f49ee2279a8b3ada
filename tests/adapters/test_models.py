"""Does a mistake under `models/` say where it is, what came, what is allowed and what was meant?"""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from millrace.adapters.models import (
    ModelCodeError,
    change_features,
    find_demo,
    find_model,
    list_models,
    load_builder,
    load_source,
)
from millrace.domain.config import Metric
from millrace.domain.kinds import Task
from millrace.domain.pointer import Durability, ServingSettings
from millrace.errors import ModelFileError, UnknownModelError

ROOT = Path(__file__).resolve().parents[2]
PLANTED = ROOT / "tests" / "planted"
FARES = PLANTED / "fares" / "model.toml"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    shutil.copytree(PLANTED / "fares", tmp_path / "models" / "fares")
    return tmp_path / "models"


def rewrite(models: Path, old: str, new: str) -> None:
    text = FARES.read_text("utf-8")
    assert old in text
    (models / "fares" / "model.toml").write_text(text.replace(old, new, 1), "utf-8")


def mistakes(models: Path) -> list[str]:
    with pytest.raises(ModelFileError, match=r"fares/model\.toml: ") as caught:
        find_model(models, "fares")
    assert caught.value.path.endswith("fares/model.toml")
    return caught.value.mistakes


def with_serving(clause: str) -> str:
    return f'[serving]\ndurability = "durable"\n{clause}\n[retrain]'


HEALTH = """[monitor]
schedule = "0 * * * *"
[health]
max_champion_age = "30d"
max_data_age = "30d"
max_p95_milliseconds = 10.0
max_error_share = 0.01
skew_rows = {rows}
max_skew_share = {share}
[retrain]"""

LEAKAGE = """[gate.leakage]
max_single_feature = 5.0
max_copied_share = 0.0
{}
[retrain]"""

UNKNOWN_KEYS = [
    ("estimator =", "estimatr =", "training.estimatr: unknown key, did you mean 'estimator'?"),
    ("[recent]", "[recents]", "recents: unknown key, did you mean 'recent'?"),
    ('type = "timestamp"', 'typ = "timestamp"', "contract.columns.at.typ: unknown key, did you mean 'type'?"),
    ("max = 40", "mx = 40", "contract.columns.distance_km.mx: unknown key, did you mean 'max'?"),
    ("[contract]", "[qqq]\n[contract]", "qqq: unknown key, allowed: check, contract, data, drift,"
                                        " features, gate, golden, health, model, monitor, performance,"
                                        " poisoning, recent, retrain, rollout, serving, silence, training"),
    ("[retrain]", "[serving]\ndurability = \"fast\"\nstick_key = \"ride\"\n[retrain]",
     "serving.stick_key: unknown key, did you mean 'sticky_key'?"),
]  # fmt: skip

WRONG_VALUES = [
    ('task = "regression"', 'task = "regresion"',
     "model.task: found 'regresion', Input should be 'binary', 'multiclass' or 'regression'"),
    ("seed = 7", 'seed = "7"', "training.seed: found '7', Input should be a valid integer"),
    ("min_blocks = 14", "min_blocks = 3",
     "gate.min_blocks: found 3, Input should be greater than or equal to 14"),
    ('cooldown = "6h"', 'cooldown = "6 parsecs"',
     "retrain.cooldown: found '6 parsecs', '6 parsecs' is not a duration; write a number and one of s m h d"
     " w, such as '28d'"),
    ('cooldown = "6h"', "cooldown = 6",
     "retrain.cooldown: found 6, '6' is not a duration; write a number and one of s m h d w, such as '28d'"),
    ("share = 0.4", "share = 1.4", "golden.share: found 1.4, Input should be less than or equal to 1"),
    ('source = "python"', 'source = "excel"',
     "data.source: found 'excel', Input should be 'files', 'sql' or 'python'"),
    ('name = "fares"', 'name = "Fares!"',
     "model.name: found 'Fares!', String should match pattern '^[a-z][a-z0-9_-]*$'"),
    ('name = "fares"', 'name = "faris"', "model.name: 'faris', but the folder is called 'fares'"),
]  # fmt: skip

THINGS_THAT_DO_NOT_FIT = [
    ('metric = "mae"', 'metric = "auc"',
     "the file: auc is not a metric of regression: choose mae, rmse, pinball, mape, own"),
    ('numeric = ["distance_km"]', 'numeric = ["fare"]', "the file: the target 'fare' is among the features"),
    ('numeric = ["distance_km"]', 'numeric = ["distance"]',
     "the file: column 'distance' has a role but no [contract.columns.distance]"),
    ('time = "at"\n', "", "data: time and block go together: name both or neither"),
    ('block = "1d"', 'block = "0d"', "data: block is 0 long: a day, 1d, is usual"),
    ('source = "python"', 'source = "files"',
     'data: source = "files" needs inbox, such as "inbox/churn/*.parquet"'),
    ("until = 2013-03-01\n", "",
     "the file: golden.until and recent.window are for models with data.time, and needed there"),
    ('luggage = { type = "int"', 'luggage = { type = "string"',
     "contract.columns.luggage: min and max are for float and int columns, this one is string"),
    ("min = 0, max = 40", "min = 50, max = 40",
     "contract.columns.distance_km: min 50 is above max 40: no value satisfies both"),
    ('categories = ["day", "night"]', 'pattern = "("',
     "contract.columns.tariff.pattern: found '(', no regular expression: missing ), unterminated subpattern"
     " at position 0"),
    ("[retrain]", with_serving('sticky_key = "noise"'),
     "the file: serving names 'noise', which is neither a feature nor in data.key"),
    ("[retrain]", with_serving('hash = ["fare"]'),
     "the file: serving names 'fare', which is neither a feature nor in data.key"),
    ("[retrain]", with_serving('leave_out = ["distance_km", "at"]'),
     "the file: serving names 'at', which is neither a feature nor in data.key"),
    ("[retrain]", with_serving('hash = ["ride", "distance_km"]\nleave_out = ["ride"]'),
     "serving: ride: in hash and in leave_out, what is not written has no hash"),
    ("[retrain]", with_serving('retention = "0d"'),
     "serving: retention is 0 long: no prediction would be kept; leave it out to keep them all"),
    ("[retrain]", "[serving]\n[retrain]", "serving.durability: missing"),
    ("[retrain]", LEAKAGE.format('allowed = ["fare"]'),
     "the file: gate.leakage names 'fare', which is no feature"),
    ("[retrain]", LEAKAGE.format('known_at = { distance_km = "at" }'),
     "gate.leakage: known_at and max_late_share go together: name both or neither"),
    ("[retrain]", LEAKAGE.format('known_at = { distance_km = "ride" }\nmax_late_share = 0.0'),
     "the file: gate.leakage.known_at.distance_km names 'ride', no timestamp of [contract.columns]"),
    ("[retrain]", LEAKAGE.format("").replace("5.0", "0.0"),
     "gate.leakage.max_single_feature: found 0.0, Input should be greater than 0"),
    ('metric = "mae"', 'metric = "pinball"\nquantile = 0.9\ncalibration = { max_error = 1.0 }',
     "gate: [gate.calibration] compares answers with the mean of what comes, and with pinball they are a"
     " quantile of it: take the section out, the metric itself says how good a quantile they are"),
    ("[retrain]", "[gate.cost]\n[retrain]",
     "gate.cost: has no limit, needed is one of max_milliseconds_one, max_milliseconds_thousand, "
     "max_megabytes, max_memory_megabytes, max_latency_ratio, max_size_ratio, max_memory_ratio"),
    ("[retrain]", "[gate.features]\nrepeats = 3\nmin_gain = 0.1\n[retrain]",
     "gate.features.max_harm: missing"),
    ("[retrain]", "[gate.simpler]\n[retrain]", "gate.simpler.min_gain: missing"),
    ("[retrain]", HEALTH.format(rows=2000, share=0.001),
     "the file: health.max_skew_share is 0.001, and 2000 rows without a difference show at best 0.0053 at"
     " gate.confidence: take more health.skew_rows, or allow more"),
    ("[retrain]", "[serving]\ndurability = \"sometimes\"\n[retrain]",
     "serving.durability: found 'sometimes', Input should be 'durable' or 'fast'"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "mistake"), UNKNOWN_KEYS)
def test_an_unknown_key_names_its_path_and_the_nearest_valid_one(
    models: Path, old: str, new: str, mistake: str
) -> None:
    rewrite(models, old, new)
    assert mistake in mistakes(models)


@pytest.mark.parametrize(("old", "new", "mistake"), WRONG_VALUES)
def test_a_wrong_value_names_its_path_what_came_and_what_is_allowed(
    models: Path, old: str, new: str, mistake: str
) -> None:
    rewrite(models, old, new)
    assert mistakes(models) == [mistake]


@pytest.mark.parametrize(("old", "new", "mistake"), THINGS_THAT_DO_NOT_FIT)
def test_values_that_do_not_fit_together_say_which(models: Path, old: str, new: str, mistake: str) -> None:
    rewrite(models, old, new)
    assert mistakes(models) == [mistake]


def test_a_share_of_skew_that_so_many_rows_can_show_is_taken(models: Path) -> None:
    rewrite(models, "[retrain]", HEALTH.format(rows=2000, share=0.006))
    assert find_model(models, "fares").health is not None


@pytest.mark.parametrize("key", ["margin = 0.0", "golden_margin = 0.5", "mae = 12.0", "confidence = 0.95"])
@pytest.mark.parametrize("value", ["inf", "nan"])
def test_no_number_of_the_gate_can_be_one_that_turns_it_off(models: Path, key: str, value: str) -> None:
    rewrite(models, f"\n{key}\n", f"\n{key.partition(' = ')[0]} = {value}\n")
    assert mistakes(models)[0].endswith(f"found {value}, Input should be a finite number")


@pytest.mark.parametrize(
    "key",
    ["comparison", "margin", "golden_margin", "confidence", "min_blocks", "max_looks", "min_new_rows",
     "cooldown", "budget_per_day", "min_rows", "min_label_share", "seed"],
)  # fmt: skip
def test_no_policy_has_a_default(models: Path, key: str) -> None:
    [line] = [line for line in FARES.read_text("utf-8").splitlines() if line.startswith(f"{key} =")]
    rewrite(models, f"\n{line}\n", "\n")
    [mistake] = mistakes(models)
    assert mistake.endswith(f".{key}: missing")


def test_a_quantile_is_not_watched_as_a_mean(models: Path) -> None:
    path, watched = models / "fares" / "model.toml", "min_labels = 10\nmax_excess_loss = 0.1\nwindows = 1\n"
    text = FARES.read_text("utf-8").replace('metric = "mae"', 'metric = "pinball"\nquantile = 0.9', 1)
    text += f'\n[monitor]\nschedule = "0 * * * *"\n[performance]\nconfidence = 0.9\n{watched}'
    path.write_text(f"{text}max_calibration_error = 1.0\n", "utf-8")
    [mistake] = mistakes(models)
    assert "performance.max_calibration_error compares answers with the mean of what comes" in mistake
    path.write_text(text, "utf-8")
    assert find_model(models, "fares").performance is not None


def test_all_mistakes_are_told_at_once(models: Path) -> None:
    rewrite(models, 'estimator = "linear"\nseed = 7', 'estimatr = "linear"\nseed = "7"')
    assert len(mistakes(models)) == 3


def test_a_file_that_is_no_toml_names_line_and_column(models: Path) -> None:
    rewrite(models, "[data]", "[data")
    [mistake] = mistakes(models)
    assert mistake == "not valid TOML: Expected ']' at the end of a table declaration (at line 9, column 6)"


def test_a_file_that_is_no_text_says_so(models: Path) -> None:
    (models / "fares" / "model.toml").write_bytes(b"\xff\xfe\x00")
    [mistake] = mistakes(models)
    assert "not valid TOML: 'utf-8' codec can't decode byte 0xff" in mistake


def test_an_unknown_model_suggests_the_nearest_and_lists_the_known(models: Path) -> None:
    with pytest.raises(
        UnknownModelError, match=r"no model 'fairs'; did you mean 'fares'\? Known models: fares"
    ):
        find_model(models, "fairs")


def test_without_models_an_unknown_one_says_that_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"no model 'fares'.* Known models: none"):
        find_model(tmp_path, "fares")


def test_the_shipped_models_are_listed_and_valid() -> None:
    models = ROOT / "models"
    assert {"flights", "progression", "scenery"} <= set(list_models(models))
    assert find_model(models, "flights").model.task is Task.BINARY
    assert find_model(models, "progression").gate.floors == {Metric.MAE: 55.0}
    assert find_model(models, "scenery").gate.floors == {Metric.LOG_LOSS: 0.3, Metric.BRIER: 0.15}


def test_durations_and_dates_are_read_as_what_they_are(models: Path) -> None:
    config = find_model(models, "fares")
    assert config.data.label_delay == timedelta(hours=1)
    assert config.recent.window == timedelta(days=42)
    assert str(config.golden.until) == "2013-03-01"


def test_a_source_names_its_batches_and_reads_the_same_rows_at_every_call(models: Path) -> None:
    source = load_source(models, "fares")
    assert source.list_batches(datetime(2013, 3, 5, tzinfo=UTC)) == ["2013-01", "2013-02"]
    assert source.read_batch("2013-02").equals(source.read_batch("2013-02"))


def test_a_source_without_a_needed_function_says_which(models: Path) -> None:
    (models / "fares" / "source.py").write_text("def list_batches(now):\n    return []\n")
    with pytest.raises(
        ModelCodeError, match=r"source\.py: has no function read_batch; `source = \"python\"`"
    ):
        load_source(models, "fares")


def test_a_missing_source_says_who_asks_for_it(models: Path) -> None:
    (models / "fares" / "source.py").unlink()
    with pytest.raises(ModelCodeError, match=r"source\.py: there is no such file; model\.toml asks for it"):
        load_source(models, "fares")


def test_an_estimator_of_the_folder_is_imported_from_it(models: Path) -> None:
    rewrite(models, 'estimator = "linear"', 'estimator = "pipeline:build"')
    config = find_model(models, "fares")
    with pytest.raises(ModelCodeError, match=r"pipeline\.py: there is no such file"):
        load_builder(models, config)
    (models / "fares" / "pipeline.py").write_text("def other(config):\n    return config\n")
    with pytest.raises(ModelCodeError, match=r"has no function build; training\.estimator names it"):
        load_builder(models, config)
    (models / "fares" / "pipeline.py").write_text("def build(config):\n    return config.name\n")
    builder = load_builder(models, config)
    assert builder is not None
    assert builder(config) == "fares"


def test_features_are_rewritten_and_nothing_else(models: Path) -> None:
    before = (models / "fares" / "model.toml").read_text("utf-8")
    change_features(models, "fares", ["noise"], ["tariff"])
    after = (models / "fares" / "model.toml").read_text("utf-8")
    assert find_model(models, "fares").features.names == ("noise", "tariff")
    gone = set(before.splitlines()) - set(after.splitlines())
    assert gone == {'numeric = ["distance_km"]', "categorical = []"}


def test_the_demo_of_the_shipped_models_is_found() -> None:
    name, _script = find_demo(ROOT / "models")
    assert name == "flights"


def test_without_a_demo_the_missing_file_is_named(models: Path) -> None:
    with pytest.raises(ModelCodeError, match=r"no model has a demo\.toml"):
        find_demo(models)


def test_what_services_are_told_is_what_the_section_says(models: Path) -> None:
    clauses = 'sticky_key = "ride"\nhash = ["ride"]\nleave_out = ["distance_km"]\nretention = "90d"'
    rewrite(models, "[retrain]", with_serving(clauses))
    told = find_model(models, "fares").serving_settings
    assert told == ServingSettings("ride", Durability.DURABLE, ("ride",), ("distance_km",), 90 * 86_400.0)


def test_without_a_section_services_are_told_the_defaults(models: Path) -> None:
    assert find_model(models, "fares").serving_settings == ServingSettings()
