"""Which arm of a pointer is the champion?"""

from millrace.domain.pointer import Arm, ArmRole, Pointer

ANSWER, SHADOW = ArmRole.ANSWER, ArmRole.SHADOW


def champion(*arms: Arm) -> str:
    return Pointer("fares", 1, arms, "f" * 64).champion


def test_the_champion_is_the_first_arm_that_answers_however_little_that_is() -> None:
    assert champion(Arm("a", ANSWER, 100), Arm("c", SHADOW, 100)) == "a"
    assert champion(Arm("s", SHADOW, 100), Arm("a", ANSWER, 10), Arm("b", ANSWER, 90)) == "a"
