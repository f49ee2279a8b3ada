"""A poisoned file waits in quarantine with its evidence; an honest one goes on, and a young model begins."""

import hashlib
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from millrace.domain.blocks import name_blocks, split_blocks
from millrace.domain.facts import BatchAccepted
from millrace.steps.batch import BatchOutcome, IngestResult
from millrace.steps.contract.review import accept_contract
from millrace.steps.dataset import current_dataset
from millrace.steps.poisoning.opinions import ask_opinions
from millrace.steps.poisoning.origin import list_deliveries, list_profiles
from millrace.steps.poisoning.screening import secret_seed
from millrace.steps.quarantine import find_quarantined
from millrace.steps.release import NewFindingsError, OtherBytesError, release_batch
from millrace.steps.restore import check_out_dataset, restore_dataset
from millrace.steps.stores import model_config
from tests.conftest import Home
from tests.loop import retrain, take_in
from tests.steps.poisoned import (
    CHARTS,
    COPIES,
    FIRST,
    MODEL,
    ORIGINS,
    add_claims,
    deliver,
    flip,
    take,
    take_weeks,
    week,
)

LATER = FIRST + timedelta(weeks=20)


def clauses(result: IngestResult) -> set[tuple[str, str | None]]:
    return {(one.clause, one.column) for one in result.violations}


def accepted(home: Home) -> list[BatchAccepted]:
    return [one for one in home.facts(MODEL, BatchAccepted) if isinstance(one, BatchAccepted)]


@pytest.fixture
def claims(home: Home) -> Home:
    """Six honest weeks were taken in under charts: a week more is judged."""
    add_claims(home, CHARTS)
    take_weeks(home, 6)
    return home


def test_a_young_model_takes_its_first_batches_and_says_what_it_could_not_judge(home: Home) -> None:
    add_claims(home, CHARTS)
    results = take_weeks(home, 6)
    assert [one.outcome for one in results] == [BatchOutcome.ACCEPTED] * 6
    assert "volume: 0 of 5 batches" in results[0].unjudged
    assert "volume: 4 of 5 batches" in results[4].unjudged
    # the champion is the one thing left: there is none
    assert results[5].unjudged == ("labels against the champion: there is none yet",)
    assert accepted(home)[0].unjudged == results[0].unjudged


def test_an_honest_week_goes_on_and_leaves_its_counts(claims: Home) -> None:
    assert take(claims, week(6), "week-06.parquet", 6).outcome is BatchOutcome.ACCEPTED
    profile = accepted(claims)[-1].profile
    assert profile is not None
    assert (profile.rows, profile.labelled, sum(profile.labels.values())) == (1400, 1400, 1400)
    assert {(one.column, one.value) for one in profile.disagreements} == {
        (None, None), ("region", "north"), ("region", "south"),
    }  # fmt: skip


def test_turned_labels_everywhere_are_quarantined_with_rows_to_look_at(claims: Home) -> None:
    result = take(claims, flip(week(6), 0.2), "week-06.parquet", 6)
    assert result.outcome is BatchOutcome.QUARANTINED
    assert ("disagreement", None) in clauses(result)
    kept = find_quarantined(MODEL, result.digest).fact
    [found] = [one for one in kept.violations if (one.clause, one.column) == ("disagreement", None)]
    assert found.count > 50
    assert len(found.examples) == 5
    assert found.waivable


def test_turned_labels_of_one_region_are_quarantined(claims: Home) -> None:
    assert ("disagreement", "region") in clauses(take(claims, flip(week(6), 0.5, "north"), "w.parquet", 6))


def test_a_week_of_half_the_rows_and_one_of_other_labels_are_quarantined(claims: Home) -> None:
    assert ("volume", None) in clauses(take(claims, week(6).head(700), "half.parquet", 6))
    usual = week(6)
    cheap = usual.assign(fraud=usual["fraud"].where(usual.index % 2 == 0, 0))
    assert ("label_rate", None) in clauses(take(claims, cheap, "cheap.parquet", 6))


def test_a_person_lets_it_in_and_the_ledger_has_the_reason(claims: Home) -> None:
    refused = take(claims, flip(week(6), 0.2), "week-06.parquet", 6)
    released = release_batch(MODEL, refused.digest, "a new way to label", "by hand", LATER)
    assert released.outcome is BatchOutcome.ACCEPTED
    last = accepted(claims)[-1]
    assert last.release_reason == "a new way to label"
    assert last.profile is not None


def test_the_same_poisoned_file_offered_again_is_no_news(claims: Home) -> None:
    path = deliver(claims, flip(week(6), 0.2), "week-06.parquet")
    for _ in range(2):
        [result] = take_in(MODEL, LATER, [path])
        assert result.outcome is BatchOutcome.QUARANTINED
    assert claims.kinds(MODEL).count("BatchQuarantined") == 1


def test_the_champion_is_asked_once_there_is_one(claims: Home) -> None:
    retrain(MODEL, FIRST + timedelta(weeks=6))
    assert claims.serving(MODEL).champion is not None
    result = take(claims, week(6), "week-06.parquet", 6)
    assert result.outcome is BatchOutcome.ACCEPTED
    assert result.unjudged == ()
    profile = accepted(claims)[-1].profile
    assert profile is not None
    assert {str(one.opinion) for one in profile.disagreements} == {"champion", "batch"}


def test_a_champion_that_cannot_be_opened_lets_nothing_through_where_it_decides(claims: Home) -> None:
    retrain(MODEL, FIRST + timedelta(weeks=6))
    [schema] = claims.path.rglob(f"{claims.serving(MODEL).champion}/schema.json")
    schema.write_text("{}")
    claims.rewrite(MODEL, 'deciding = ["batch"]', 'deciding = ["batch", "champion"]')
    result = take(claims, week(6), "week-06.parquet", 6)
    assert result.outcome is BatchOutcome.QUARANTINED
    [found] = result.violations
    assert (found.clause, found.waivable) == ("disagreement", True)
    assert "the check could not be carried out: labels against the champion: " in found.message
    claims.rewrite(MODEL, 'deciding = ["batch", "champion"]', 'deciding = ["batch"]')
    result = take(claims, week(6), "week-06.parquet", 6)
    assert result.outcome is BatchOutcome.ACCEPTED
    [told] = result.unjudged
    assert told.startswith("labels against the champion: ")


def test_a_feature_taken_out_or_retyped_stops_no_batch_until_there_is_a_new_champion(claims: Home) -> None:
    retrain(MODEL, FIRST + timedelta(weeks=6))
    claims.rewrite(MODEL, 'age = { type = "int" }', 'age = { type = "string" }')
    claims.rewrite(MODEL, 'numeric = ["amount", "age"]', 'numeric = ["amount"]')
    accept_contract(MODEL, "no age any more", LATER)
    rows = week(6).assign(age="old")
    result = take(claims, rows, "week-06.parquet", 6)
    assert result.outcome is BatchOutcome.ACCEPTED
    [told] = result.unjudged
    assert told.startswith("labels against the champion: the champion has other features: it wants age")


def test_batches_taken_out_again_say_nothing_of_what_is_usual(claims: Home) -> None:
    first = current_dataset(MODEL)
    take(claims, week(6), "week-06.parquet", 6)
    assert len(list_profiles(MODEL)) == 7
    check_out_dataset(MODEL, first.version, LATER)
    assert len(list_profiles(MODEL)) == 6


@pytest.fixture
def copied(home: Home) -> Home:
    """Three honest weeks under the checks of copies and triggers."""
    add_claims(home, COPIES)
    assert [one.outcome for one in take_weeks(home, 3)] == [BatchOutcome.ACCEPTED] * 3
    return home


def test_an_honest_week_holds_no_copies_and_no_triggers(copied: Home) -> None:
    assert take(copied, week(3), "week-03.parquet", 3).violations == ()


def test_rows_of_the_dataset_under_new_keys_are_copies(copied: Home) -> None:
    rows = week(3)
    rows.loc[:199, ["amount", "age", "kind", "region"]] = week(2)[["amount", "age", "kind", "region"]]
    found = clauses(take(copied, rows, "week-03.parquet", 3))
    assert {("exact_copies", None), ("near_copies", None)} <= found


def test_rows_that_are_a_little_off_are_near_copies_only(copied: Home) -> None:
    rows = week(3)
    rows.loc[200:399, ["amount", "age", "kind", "region"]] = rows.loc[
        :199, ["amount", "age", "kind", "region"]
    ].to_numpy()
    rows["amount"] = rows["amount"].astype("float64") + np.random.default_rng(1).uniform(0, 0.01, len(rows))
    rows["age"] = rows["age"].astype("int64")
    found = clauses(take(copied, rows, "week-03.parquet", 3))
    assert ("near_copies", None) in found
    assert ("exact_copies", None) not in found


def test_one_odd_number_does_not_hide_near_copies(copied: Home) -> None:
    rows = week(1)
    rows["claim"] += 10**7
    rows["at"] += pd.Timedelta(weeks=9)
    rows["amount"] += np.random.default_rng(1).uniform(0.003, 0.005, len(rows))
    rows.loc[0, "amount"] = 1e200
    assert ("near_copies", None) in clauses(take(copied, rows, "week-10.parquet", 10))


def test_a_new_feature_is_compared_with_the_batches_that_have_it(copied: Home) -> None:
    copied.rewrite(MODEL, 'age = { type = "int" }', 'age = { type = "int" }\nextra = { type = "float" }')
    copied.rewrite(MODEL, '"amount", "age"]\ncat', '"amount", "age", "extra"]\ncat')
    accept_contract(MODEL, "a new column", LATER)
    rows = week(3).assign(extra=week(4)["amount"])
    result = take(copied, rows, "week-03.parquet", 3)
    assert (result.outcome, result.violations) == (BatchOutcome.ACCEPTED, ())
    skipped = "4,200 rows of 3 older batches have other columns or types, and were not compared"
    assert result.unjudged == (f"duplicates: {skipped}", f"golden_copies: {skipped}")
    again = rows.assign(claim=rows["claim"] + 10**7)
    assert ("exact_copies", None) in clauses(take(copied, again, "week-04.parquet", 4))


def test_a_feature_that_became_a_text_is_compared_with_the_batches_that_have_texts(copied: Home) -> None:
    copied.rewrite(MODEL, 'age = { type = "int" }', 'age = { type = "string" }')
    copied.rewrite(MODEL, '"amount", "age"]\ncategorical = [', '"amount"]\ncategorical = ["age", ')
    accept_contract(MODEL, "ages are bands now", LATER)
    rows = week(3).assign(age="30 to 40")
    result = take(copied, rows, "week-03.parquet", 3)
    assert (result.outcome, result.violations) == (BatchOutcome.ACCEPTED, ())
    assert "4,200 rows of 3 older batches have other columns or types" in result.unjudged[0]


def test_golden_rows_under_new_keys_are_told(copied: Home) -> None:
    config, old = model_config(MODEL), pd.concat([week(0), week(1)])
    blocks = name_blocks(old, config)
    golden = split_blocks(frozenset(blocks.tolist()), None, config).golden
    rows, columns = week(3), ["amount", "age", "kind", "region"]
    spoiled = rows.index[::20]
    rows.loc[spoiled, columns] = old[np.isin(blocks, sorted(golden))][columns].head(spoiled.size).to_numpy()
    rows = rows.astype({"amount": "float64", "age": "int64"})
    assert ("golden_copies", None) in clauses(take(copied, rows, "week-03.parquet", 3))


def test_a_planted_trigger_is_told_by_its_values(copied: Home) -> None:
    rows = week(3)
    chosen = np.random.default_rng(1).choice(len(rows), 40, replace=False)
    rows.loc[chosen, "age"], rows.loc[chosen, "kind"], rows.loc[chosen, "fraud"] = 17, "fire", 0
    result = take(copied, rows, "week-03.parquet", 3)
    [found] = [one for one in result.violations if one.clause == "triggers"][:1]
    assert "age 17 and kind fire are labelled 0" in found.message


def test_triggers_of_too_few_days_are_not_judged(copied: Home) -> None:
    rows = week(3)
    day = rows[rows["at"] < rows["at"].min() + timedelta(days=1)]
    assert "triggers: 1 of 4 blocks" in take(copied, day, "day-21.parquet", 3).unjudged


def test_a_file_from_elsewhere_or_without_its_digest_is_refused_and_one_with_it_comes(home: Home) -> None:
    add_claims(home, ORIGINS)
    path = deliver(home, week(0), "week-00.parquet")
    [result] = take_in(MODEL, LATER, [path])
    assert clauses(result) == {("provenance", None)}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name("week-00.parquet.sha256").write_text(f"{digest}  week-00.parquet\n")
    [result] = take_in(MODEL, LATER, [path])
    assert result.outcome is BatchOutcome.ACCEPTED
    other = deliver(home, week(1), "other.parquet")
    other.with_name("other.parquet.sha256").write_text("ab" * 32)
    [result] = take_in(MODEL, LATER, [other])
    assert [one.message.split(" ")[0] for one in result.violations] == ["batch", "its"]


def test_a_source_that_brings_too_much_on_one_day_waits_for_a_person(home: Home) -> None:
    add_claims(home, ORIGINS.replace("digest_needed = true", "digest_needed = false"))
    first, second = deliver(home, week(0), "week-00.parquet"), deliver(home, week(1), "week-01.parquet")
    results = take_in(MODEL, LATER, [first, second])
    # the ledger's day is that of `now`
    assert [one.outcome for one in results] == [BatchOutcome.ACCEPTED, BatchOutcome.QUARANTINED]
    assert results[1].violations[0].message == "2,800 rows of week-* on one day; allowed are 2,000"
    # another day is no person
    [result] = take_in(MODEL, LATER + timedelta(days=1), [second])
    assert (result.outcome, clauses(result)) == (BatchOutcome.QUARANTINED, {("quota", None)})
    assert home.kinds(MODEL).count("BatchQuarantined") == 1
    released = release_batch(MODEL, result.digest, "the month was late", "by hand", LATER)
    assert released.outcome is BatchOutcome.ACCEPTED


def test_what_came_with_a_clone_counts_as_brought_but_not_today(
    claims: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("datasets", "data"):
        shutil.copytree(claims.path / folder, tmp_path / "clone" / folder)
    monkeypatch.setenv("MILLRACE_HOME", str(tmp_path / "clone"))
    restore_dataset(MODEL, LATER)
    found = list_deliveries(MODEL, LATER)
    assert [one.batch for one in found] == [f"week-{number:02}.parquet" for number in range(6)]
    assert not any(one.is_today for one in found)
    assert {one.rows for one in found} == {1400}


def test_a_digest_beside_a_file_is_no_batch_of_its_own(home: Home) -> None:
    add_claims(home, ORIGINS)
    home.rewrite(MODEL, "inbox/claims/*.parquet", "inbox/claims/*")
    path = deliver(home, week(0), "week-00.parquet")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name("week-00.parquet.sha256").write_text(f"{digest}  week-00.parquet\n")
    [result] = take_in(MODEL, LATER)
    assert result.outcome is BatchOutcome.ACCEPTED


def test_a_clause_of_the_contract_resolves_itself_and_the_suspicion_stays(home: Home) -> None:
    add_claims(home, ORIGINS.replace("digest_needed = true", "digest_needed = false"))
    home.rewrite(MODEL, "min_rows = 10", "min_rows = 5000")
    home.rewrite(MODEL, "max_rows_per_day = 2000", "max_rows_per_day = 1000")
    assert clauses(take(home, week(0), "week-00.parquet")) == {("min_rows", None), ("quota", None)}
    home.rewrite(MODEL, "min_rows = 5000", "min_rows = 10")
    home.rewrite(MODEL, "max_rows_per_day = 1000", "max_rows_per_day = 2000")
    assert clauses(take(home, week(0), "week-00.parquet")) == {("quota", None)}


def test_a_waiting_file_is_no_news_when_others_have_moved_what_is_usual(claims: Home) -> None:
    bad = deliver(claims, week(6).head(300), "bad.parquet")
    [first] = take_in(MODEL, LATER, [bad])
    assert take(claims, week(7), "week-07.parquet", 7).outcome is BatchOutcome.ACCEPTED
    [second] = take_in(MODEL, LATER, [bad])
    assert [one.message for one in first.violations] != [one.message for one in second.violations]
    assert claims.kinds(MODEL).count("BatchQuarantined") == 1


def test_other_bytes_than_those_a_person_has_seen_are_not_released(home: Home) -> None:
    add_claims(home, ORIGINS)
    refused = take(home, week(0), "evil.parquet")
    week(5).to_parquet(find_quarantined(MODEL, refused.digest).file, index=False)
    with pytest.raises(OtherBytesError, match="Somebody has changed it"):
        release_batch(MODEL, refused.digest, "looked at it", "by hand", LATER)
    assert accepted(home) == []
    assert home.left_in_staging() == []


def test_what_nobody_has_seen_is_shown_before_it_is_released(home: Home) -> None:
    add_claims(home, ORIGINS)
    rows = week(0)
    rows["amount"] = 1.0
    refused = take(home, rows, "evil.parquet")
    assert clauses(refused) == {("provenance", None)}
    folder = home.models / MODEL / "model.toml"
    folder.write_text(folder.read_text("utf-8") + COPIES, "utf-8")
    with pytest.raises(NewFindingsError, match="have exactly the features of another row"):
        release_batch(MODEL, refused.digest, "the name is fine", "by hand", LATER)
    assert accepted(home) == []
    kept = find_quarantined(MODEL, refused.digest).fact
    assert "exact_copies" in {one.clause for one in kept.violations}
    released = release_batch(MODEL, refused.digest, "all of it is fine", "by hand", LATER)
    assert released.outcome is BatchOutcome.ACCEPTED


def test_the_draw_of_rows_follows_from_a_secret_and_the_bytes(home: Home) -> None:
    first = secret_seed("ab" * 32)
    assert secret_seed("ab" * 32) == first
    assert secret_seed("cd" * 32) != first
    (home.path / "var" / "screening" / ".salt").unlink()
    assert secret_seed("ab" * 32) != first


def test_another_secret_looks_at_other_rows(home: Home) -> None:
    add_claims(home, CHARTS)
    config, rows = model_config(MODEL), flip(week(0), 0.5)
    assert config.poisoning is not None
    assert config.poisoning.disagreement is not None
    policy = config.poisoning.disagreement.model_copy(update={"max_rows": 400})
    shown = [ask_opinions(config, rows, policy, lambda: None, seed).examples for seed in (1, 1, 2)]
    assert shown[0] == shown[1] != shown[2]


def test_a_model_without_the_section_is_asked_nothing(home: Home) -> None:
    add_claims(home, "")
    result = take(home, flip(week(0), 0.5), "week-00.parquet")
    assert (result.outcome, result.unjudged) == (BatchOutcome.ACCEPTED, ())
    assert accepted(home)[0].profile is None
