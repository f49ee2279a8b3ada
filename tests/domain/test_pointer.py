"""Which arm of a pointer is the champion?"""

from millrace.domain.pointer import Arm, ArmRole, Pointer

ANSWER, SHADOW = ArmRole.ANSWER, ArmRole.SHADOW


def champion(*arms: Arm) -> str:
    return Pointer("fares", 1, arms, "f" * 64).champion


def test_the_champion_is_the_answering_arm_with_the_greatest_weight() -> None:
    assert champion(Arm("a", ANSWER, 0), Arm("b", ANSWER, 100), Arm("c", SHADOW, 100)) == "b"
    assert champion(Arm("s", SHADOW, 100), Arm("a", ANSWER, 10), Arm("b", ANSWER, 90)) == "b"


def test_of_equal_arms_the_first_is_the_champion() -> None:
    assert champion(Arm("b", ANSWER, 50), Arm("a", ANSWER, 50)) == "b"
