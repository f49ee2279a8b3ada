"""Laws of routing: shares, stability, and that only those keys move that must."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.domain.pointer import Arm, ArmRole
from millrace.domain.routing import NoWeightError, choose_arm, is_sampled

KEYS = [f"key {number}" for number in range(1_000)]
SIGMAS = 6
"""How far a share may be off: chance alone is further off once in 500 million times."""

with_all_keys = settings(max_examples=40, deadline=None)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
weights = st.integers(0, 100)


def arms_of(weight_of: dict[str, int], role: ArmRole = ArmRole.ANSWER) -> list[Arm]:
    return [Arm(digest, role, weight) for digest, weight in weight_of.items()]


weighted = st.dictionaries(digests, weights, min_size=1, max_size=5).filter(lambda found: any(found.values()))


def chosen(arms: list[Arm]) -> list[str]:
    return [choose_arm(arms, key).digest for key in KEYS]


def is_near(count: int, share: float) -> bool:
    spread = (len(KEYS) * share * (1 - share)) ** 0.5
    return abs(count - len(KEYS) * share) <= SIGMAS * spread


@with_all_keys
@given(weighted)
def test_each_arm_answers_its_share_of_the_keys(weight_of: dict[str, int]) -> None:
    counts, whole = Counter(chosen(arms_of(weight_of))), sum(weight_of.values())
    assert all(is_near(counts[digest], weight / whole) for digest, weight in weight_of.items())


@given(weighted, st.text(), st.randoms())
def test_a_key_has_one_arm_in_whatever_order_the_arms_stand(
    weight_of: dict[str, int], key: str, shuffle: Random
) -> None:
    arms = arms_of(weight_of)
    first = choose_arm(arms, key)
    shuffle.shuffle(arms)
    assert choose_arm(arms, key) == first


@given(weighted, st.text())
def test_an_arm_without_weight_never_answers_and_changes_no_choice(
    weight_of: dict[str, int], key: str
) -> None:
    arms = arms_of(weight_of)
    arm = choose_arm(arms, key)
    assert arm.weight > 0
    assert choose_arm([one for one in arms if one.weight], key) == arm


@with_all_keys
@given(weighted, st.data())
def test_a_changed_weight_moves_keys_only_to_the_arm_that_grew_or_from_the_one_that_shrank(
    weight_of: dict[str, int], data: st.DataObject
) -> None:
    changed = data.draw(st.sampled_from(sorted(weight_of)))
    after = weight_of | {changed: data.draw(weights)}
    if not any(after.values()):
        return
    for before_arm, after_arm in zip(chosen(arms_of(weight_of)), chosen(arms_of(after)), strict=True):
        if before_arm != after_arm:
            assert changed == (after_arm if after[changed] > weight_of[changed] else before_arm)


@with_all_keys
@given(weighted, st.data())
def test_when_several_weights_change_a_key_moves_only_to_an_arm_that_grew_relative_to_its_own(
    weight_of: dict[str, int], data: st.DataObject
) -> None:
    after = {digest: data.draw(weights) for digest in weight_of}
    if not any(after.values()):
        return
    for before_arm, after_arm in zip(chosen(arms_of(weight_of)), chosen(arms_of(after)), strict=True):
        if before_arm != after_arm:
            assert after[after_arm] * weight_of[before_arm] > weight_of[after_arm] * after[before_arm]


@with_all_keys
@given(digests, digests, st.lists(st.integers(1, 99), min_size=2, max_size=5))
def test_a_canary_that_grows_never_gives_a_key_back(champion: str, canary: str, steps: list[int]) -> None:
    if champion == canary:
        return
    taken = [
        {
            key
            for key in KEYS
            if choose_arm(arms_of({champion: 100 - weight, canary: weight}), key).digest == canary
        }
        for weight in sorted(steps)
    ]
    assert all(fewer <= more for fewer, more in pairwise(taken))


def test_a_champion_at_75_has_three_quarters_of_the_keys() -> None:
    counts = Counter(chosen(arms_of({"a" * 64: 75, "b" * 64: 25})))
    assert is_near(counts["a" * 64], 0.75)


@pytest.mark.parametrize("arms", [[], arms_of({"a" * 64: 0, "b" * 64: 0})])
def test_arms_without_any_weight_are_an_error_that_says_so(arms: list[Arm]) -> None:
    with pytest.raises(NoWeightError, match="needed one to answer"):
        choose_arm(arms, "any")


@with_all_keys
@given(digests, weights)
def test_a_shadow_sees_its_share_of_the_keys(digest: str, weight: int) -> None:
    arm = Arm(digest, ArmRole.SHADOW, weight)
    assert is_near(sum(is_sampled(arm, key) for key in KEYS), weight / 100)


@given(digests, st.text())
def test_a_shadow_of_all_requests_sees_each_and_one_of_none_sees_no_one(digest: str, key: str) -> None:
    assert is_sampled(Arm(digest, ArmRole.SHADOW, 100), key)
    assert not is_sampled(Arm(digest, ArmRole.SHADOW, 0), key)


@given(digests, st.text(), weights, weights)
def test_a_shadow_that_grows_keeps_the_keys_it_saw(digest: str, key: str, one: int, other: int) -> None:
    fewer, more = sorted((one, other))
    if is_sampled(Arm(digest, ArmRole.SHADOW, fewer), key):
        assert is_sampled(Arm(digest, ArmRole.SHADOW, more), key)
