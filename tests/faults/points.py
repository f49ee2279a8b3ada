"""The named points at which a run is killed: a function, entered or left."""

import os
import signal
from dataclasses import dataclass
from enum import StrEnum
from pkgutil import resolve_name
from typing import Any

LEDGER_APPEND = "millrace.adapters.ledger.ledger:Ledger.append"


class When(StrEnum):
    """On which side of the function the run dies."""

    ENTERED = "entered"
    LEFT = "left"


@dataclass(frozen=True)
class Point:
    """Where a run dies; with `fact`, only in a call that is about a fact of that kind."""

    name: str
    function: str
    when: When
    fact: str | None = None

    def arm(self) -> None:
        """Make this process kill itself there: no handler runs, nothing is flushed."""
        path, _, attribute = self.function.replace(":", ".").rpartition(".")
        owner = resolve_name(path)
        real = getattr(owner, attribute)

        def deadly(*args: Any, **kwargs: Any) -> Any:
            if self.fact is not None and self.fact not in {type(value).__name__ for value in args}:
                return real(*args, **kwargs)
            answer = real(*args, **kwargs) if self.when is When.LEFT else None
            os.kill(os.getpid(), signal.SIGKILL)
            return answer

        setattr(owner, attribute, deadly)


INGEST = (
    Point("staged, not claimed", "millrace.steps.arrivals:stage_batch", When.LEFT),
    Point("claimed, nothing read", "millrace.steps.batch:take_claim", When.LEFT),
    Point("written, not in data/", "millrace.steps.batch:commit_part", When.ENTERED),
    Point("in data/, not accepted", LEDGER_APPEND, When.ENTERED, "BatchAccepted"),
    Point("accepted, claim not finished", LEDGER_APPEND, When.LEFT, "BatchAccepted"),
    Point("finished, no dataset file", "millrace.steps.dataset:write_dataset", When.ENTERED),
    Point("dataset file, no pin", "millrace.steps.dataset:pin_data", When.ENTERED),
    Point("pinned, not at the remote", "dvc.repo:Repo.push", When.ENTERED),
)

RETRAIN = (
    Point("claimed, not decided", "millrace.steps.decide:take_claim", When.LEFT),
    Point("decided", LEDGER_APPEND, When.LEFT, "DecisionMade"),
    Point("bundle half written", "millrace.adapters.bundle:rename_unless_there", When.ENTERED),
    Point("challenger written, no baseline", "millrace.steps.train:write_bundle", When.LEFT),
    Point("fitted, not recorded", LEDGER_APPEND, When.ENTERED, "ChallengerTrained"),
    Point("trained", LEDGER_APPEND, When.LEFT, "ChallengerTrained"),
    Point("report kept, not judged", "millrace.steps.gate.judging:keep_gate_report", When.LEFT),
    Point("judged", LEDGER_APPEND, When.LEFT, "ChallengerJudged"),
    Point("run half written", "millrace.adapters.catalogue.catalogue:Catalogue._log_files", When.LEFT),
    Point("run, no version", "millrace.adapters.catalogue.catalogue:Catalogue._register", When.ENTERED),
    Point("version, not recorded", LEDGER_APPEND, When.ENTERED, "VersionRegistered"),
    Point("promoted", "millrace.adapters.ledger.ledger:Ledger.change_rollout", When.LEFT),
    Point("nothing published", "millrace.steps.serve:publish_pointer", When.ENTERED),
    Point("pointer, no alias", "millrace.steps.serve:mirror_champion", When.ENTERED),
    Point("published, claim not finished", "millrace.steps.decide:finish_run", When.ENTERED),
)

BY_NAME = {point.name: point for point in (*INGEST, *RETRAIN)}
