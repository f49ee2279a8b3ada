"""`millrace stage`: one stage of dvc.yaml, which `dvc repro` calls."""

from pathlib import Path

from cyclopts import App

from millrace.cli.output import console, short, watched

stage = App(name="stage", help="One stage of dvc.yaml, as `dvc repro` calls it: validate, train, evaluate.")


@stage.command
def validate(model: str, folder: Path) -> None:
    """Verify every byte of the dataset and its contract; write validation.json.

    Example: `millrace stage validate churn docs/evaluation/churn`.

    Parameters
    ----------
    model
        A folder under models/.
    folder
        Where the results go.
    """
    from millrace.steps.stages import validate_parts

    found = validate_parts(model, folder)
    console().print(
        f"{model}: dataset {short(found.dataset)}, {found.parts} parts, {found.rows:,} rows keep the contract"
    )


@stage.command
def train(model: str, folder: Path) -> None:
    """Train challenger and baseline into a folder; nothing is registered or published.

    Example: `millrace stage train churn var/stages/churn`.

    Parameters
    ----------
    model
        A folder under models/.
    folder
        Where the results go.
    """
    from millrace.steps.progress import announce
    from millrace.steps.stages import train_stage

    with watched(f"{model} · train"):
        trained = train_stage(model, folder, lambda done, total: announce("search", done, total))
    console().print(f"{model}: challenger {short(trained.challenger)}, baseline {short(trained.baseline)}")


@stage.command
def evaluate(model: str, bundles: Path, folder: Path) -> None:
    """Score challenger and baseline; write metrics.json, blocks.json and calibration.json.

    Example: `millrace stage evaluate churn var/stages/churn docs/evaluation/churn`.

    Parameters
    ----------
    model
        A folder under models/.
    bundles
        Where the train stage has put them.
    folder
        Where the results go.
    """
    from millrace.steps.stages import evaluate_stage

    out = console()
    for judged_set, roles in evaluate_stage(model, bundles, folder).items():
        for role, metrics in roles.items():
            values = ", ".join(f"{metric} {value:g}" for metric, value in metrics.items())
            out.print(f"{model} {judged_set} {role}: {values}")
