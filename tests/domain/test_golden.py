"""What is known of a golden set from what happened?"""

from dataclasses import replace

from millrace.domain.facts import ChallengerJudged, GoldenPolicy, GoldenRenewed, Level
from millrace.domain.golden import golden_history
from millrace.domain.verdict import Outcome

OLD, NEW = GoldenPolicy(0.1), GoldenPolicy(0.1, None, 1)


def judged(digest: str, loss: float | None, set_id: str = "s", **told: object) -> ChallengerJudged:
    losses = {"recent": {}, "golden": {} if loss is None else {"challenger": loss}}
    fact = ChallengerJudged(
        "run " + digest, digest, None, Outcome.PASS, "", (), "r", set_id, losses, 0, metric="mae", golden=OLD
    )
    return ChallengerJudged(**{**vars(fact), **told})


RENEWED = GoldenRenewed(
    "50 looks", OLD, NEW, 50, "d", "mae", "c", "b", "s", "t", 20, 20,
    {"old": {"champion": 1.0, "best": 0.5}, "new": {"champion": 2.0, "best": 2.5}},
)  # fmt: skip
EVERY = {"a", "b", "c", "d"}


def test_after_a_renewal_only_losses_on_the_new_set_are_compared() -> None:
    before = (judged("a", 0.1), judged("b", 0.5), judged("c", 1.0))
    assert golden_history(before).losses(EVERY, "mae") == {"a": 0.1, "b": 0.5, "c": 1.0}
    after = golden_history((*before, RENEWED, judged("d", 1.5, golden=NEW)))
    assert after.losses(EVERY, "mae") == {"b": 2.5, "c": 2.0, "d": 1.5}
    assert after.losses({"b"}, "mae") == {"b": 2.5}


def test_losses_by_another_metric_are_not_compared() -> None:
    found = golden_history((RENEWED, judged("d", 1.5), judged("a", 0.2, metric="")))
    assert found.losses(EVERY, "rmse") == {"a": 0.2}
    assert golden_history((judged("a", None),)).losses(EVERY, "mae") == {}


def test_losses_of_one_name_and_other_terms_are_not_compared() -> None:
    renewed = replace(RENEWED, metric="pinball", terms="quantile 0.9")
    later = judged("d", 1.5, metric="pinball", terms="quantile 0.5")
    found = golden_history((renewed, later, judged("a", 0.2, metric="pinball")))
    assert found.losses(EVERY, "pinball", "quantile 0.5") == {"d": 1.5}
    assert found.losses(EVERY, "pinball", "quantile 0.9") == {"b": 2.5, "c": 2.0}


def test_a_champion_that_was_judged_by_other_terms_counts_as_it_was_measured_beside_a_later_one() -> None:
    sets = {"recent": {}, "golden": {"challenger": 1.04, "champion": 1.0}}
    later = judged("b", 1.04, metric="own", terms="new", champion="a", losses=sets)
    history = golden_history((judged("a", 0.1, metric="own", terms="old"), later))
    assert history.losses(EVERY, "own", "new") == {"a": 1.0, "b": 1.04}
    assert history.losses(EVERY, "own", "old") == {"a": 0.1}


def test_an_older_fact_is_compared_by_the_metric_of_its_level() -> None:
    old = judged("a", 0.25, metric="", level=Level("auc", 900, 30, 0.25, None, None, None))
    history = golden_history((old, judged("b", 0.55, metric="log_loss")))
    assert history.losses(EVERY, "log_loss") == {"b": 0.55}
    assert history.losses(EVERY, "auc") == {"a": 0.25}


def test_every_judgement_since_the_last_renewal_is_a_look_also_when_the_set_has_grown_meanwhile() -> None:
    facts = (judged("a", 1.0, "s"), judged("b", 1.0, "grown"), judged("c", 1.0, "s"))
    assert golden_history(facts).count_looks() == 3
    assert golden_history(facts).count_looks(but_for="run a") == 2
    assert golden_history((*facts, RENEWED, *facts)).count_looks() == 3
    assert golden_history((*facts, RENEWED, *facts)).count_looks(but_for="run b") == 2
    assert golden_history((*facts, RENEWED)).count_looks() == 0


def test_a_judgement_on_the_very_blocks_of_a_renewal_before_it_is_a_look_too() -> None:
    facts = (judged("a", 1.0, "s"), judged("b", 1.0, "t"), RENEWED)
    assert golden_history(facts).count_looks() == 1
    assert golden_history(facts).count_looks(but_for="run b") == 0
    assert golden_history((*facts, judged("c", 1.0, "u"))).count_looks() == 2
    assert golden_history((*facts, replace(RENEWED, new_set="v"))).count_looks() == 0


def test_a_renewal_has_a_generation_that_none_had() -> None:
    history = golden_history((judged("a", 1.0), replace(RENEWED, new=GoldenPolicy(0.2, None, 7))))
    assert history.renew(GoldenPolicy(0.3, "2013-05-01", 2), None, None) == GoldenPolicy(0.3, "2013-05-01", 8)
    assert golden_history(()).renew(OLD, 0.2, "2014-01-01") == GoldenPolicy(0.2, "2014-01-01", 1)
    assert golden_history(()).count_looks() == 0


def test_the_recorded_policy_is_the_last_that_was_told() -> None:
    assert golden_history(()).recorded is None
    assert golden_history((judged("a", 1.0, golden=None),)).tell_unrecorded(NEW) == ""
    assert golden_history((judged("a", 1.0),)).recorded == OLD
    assert golden_history((judged("a", 1.0), RENEWED)).recorded == NEW
    assert golden_history((judged("a", 1.0), RENEWED)).tell_unrecorded(NEW) == ""
    assert golden_history((judged("a", 1.0), RENEWED)).tell_unrecorded(OLD) == (
        "[golden] of model.toml is share 0.1 of the blocks, generation 0; "
        "recorded is share 0.1 of the blocks, generation 1"
    )
