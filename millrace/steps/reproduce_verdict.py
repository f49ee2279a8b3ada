"""What came of training a version a second time?"""

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.channel import bundles_folder
from millrace.domain.bundle import CorruptBundleError, Engine, Manifest
from millrace.domain.change import Change
from millrace.domain.facts import Reproduction
from millrace.settings import load_settings
from millrace.steps.reproduce_answers import AnswersAgain


def judge(
    recorded: str, new: Manifest, differences: tuple[Change, ...], answers: AnswersAgain | None
) -> Reproduction:
    """Say what came of a second training, by the recorded digest of the first."""
    if recorded == new.digest:
        return Reproduction.IDENTICAL
    is_alone = [one.name for one in differences] == [f"file {new.engine.file_name}"]
    return judge_scorers(new.engine, answers) if is_alone else Reproduction.DIFFERS


def judge_scorers(engine: Engine, answers: AnswersAgain | None) -> Reproduction:
    """Say what came of a second training whose scorer has other bytes."""
    # two dumps of one pipeline by skops are never the same bytes
    same = engine is Engine.SKLEARN and answers is not None and answers.are_same
    return Reproduction.SAME_ANSWERS if same else Reproduction.DIFFERS


def find_damage(digest: str) -> str | None:
    """Say what is wrong with the bundle of that name; None where every byte is what it was."""
    try:
        verify_bundle(bundles_folder(load_settings().channel), digest)
    except CorruptBundleError as error:
        return str(error)
    return None


def tell_result(
    result: Reproduction, differences: tuple[Change, ...], answers: AnswersAgain | None, damage: str | None
) -> str:
    """Say in one line what came of it, after what is wrong with the recorded bundle itself."""
    told = _tell(result, differences, answers)
    if damage is None:
        return told
    return f"THE RECORDED BUNDLE IS DAMAGED: {damage}. Trained again, and held against its record: {told}"


def _tell(result: Reproduction, differences: tuple[Change, ...], answers: AnswersAgain | None) -> str:
    match result:
        case Reproduction.IDENTICAL:
            return "identical, byte for byte"
        case Reproduction.SAME_ANSWERS:
            told = answers.told if answers else ""
            return f"the same answers: {told}; every other file is identical, and a skops file never is"
        case Reproduction.DIFFERS:
            names = ", ".join(one.name for one in differences)
            files = any(one.name.startswith("file ") for one in differences)
            told = f"; {answers.told}" if answers else "" if files else "; every file is identical"
            return f"differs in {names}{told}"
