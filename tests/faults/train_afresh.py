"""Take in the batches of some models and train them; print the digests of each bundle and its baseline."""

import sys
from pathlib import Path

from millrace.domain.facts import ChallengerTrained
from millrace.steps.stores import ledger
from tests.faults import bodies
from tests.faults.tides import move_in


def main(home: str, models: str, *names: str) -> None:
    move_in(Path(home), Path(models))
    for name in names:
        bodies.ingest(name)
        bodies.retrain(name)
        [entry] = ledger().entries(name, (ChallengerTrained,))
        assert isinstance(entry.fact, ChallengerTrained)
        print(name, entry.fact.digest, entry.fact.baseline)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
