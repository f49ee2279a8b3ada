"""`millrace data`: the dataset versions of a model."""

from cyclopts import App

from millrace.cli.output import console, print_json, short, table

data = App(name="data", help="The dataset versions of a model: list, show, checkout, restore.")


@data.command(name="list")
def list_versions(model: str, *, json: bool = False) -> None:
    """List every dataset version, the current one last. Example: `millrace data list churn`.

    Parameters
    ----------
    model
        A folder under models/.
    json
        Write JSON instead of text.
    """
    from millrace.steps.dataset import list_datasets
    from millrace.steps.stores import model_config

    model_config(model)
    datasets = [dataset for dataset in list_datasets(model) if dataset.parts]
    if json:
        print_json([{"version": one.version, "parts": len(one.parts), "rows": one.rows} for one in datasets])
        return
    shown = table("version", "parts", "rows", "newest batch")
    for one in datasets:
        shown.add_row(one.version, str(len(one.parts)), f"{one.rows:,}", one.parts[-1].batch)
    console().print(shown)


@data.command
def show(model: str, version: str = "", *, json: bool = False) -> None:
    """Show the parts of a version, by default of the current one. Example: `millrace data show churn`.

    Parameters
    ----------
    model
        A folder under models/.
    version
        The beginning of its SHA-256, as `millrace data list` shows it.
    json
        Write JSON instead of text.
    """
    from millrace.steps.dataset import current_dataset, find_dataset_version
    from millrace.steps.stores import model_config

    model_config(model)
    dataset = find_dataset_version(model, version) if version else current_dataset(model)
    if json:
        print_json(dataset)
        return
    shown = table("batch", "part", "rows", "bytes", "from", "to")
    for part in dataset.parts:
        first = f"{part.first_time:%Y-%m-%d}" if part.first_time else ""
        last = f"{part.last_time:%Y-%m-%d}" if part.last_time else ""
        shown.add_row(part.batch, short(part.sha256), f"{part.rows:,}", f"{part.bytes:,}", first, last)
    out = console()
    out.print(f"{model} dataset {dataset.version}")
    out.print(shown)


@data.command
def checkout(model: str, version: str, *, json: bool = False) -> None:
    """Make an earlier version the current one. Example: `millrace data checkout churn 3f9c2a`.

    Parameters
    ----------
    model
        A folder under models/.
    version
        The beginning of its SHA-256, as `millrace data list` shows it.
    json
        Write JSON instead of text.
    """
    from millrace.adapters import clock
    from millrace.steps.restore import check_out_dataset

    dataset = check_out_dataset(model, version, clock.now())
    if json:
        print_json(dataset)
        return
    console().print(f"{model}: dataset {short(dataset.version)} is current, {dataset.rows:,} rows")


@data.command
def restore(model: str | None = None, *, json: bool = False) -> None:
    """Bring back pinned bytes: from DVC, else rebuilt by source.py. Example: `millrace data restore`.

    Parameters
    ----------
    model
        A folder under models/; without it every model that has data.
    json
        Write JSON instead of text.
    """
    from millrace.adapters import clock
    from millrace.settings import load_settings
    from millrace.steps.restore import restore_dataset

    datasets = load_settings().datasets
    models = [model] if model else sorted(path.stem for path in datasets.glob("*.json"))
    restored = {}
    for name in models:
        dataset = restored[name] = restore_dataset(name, clock.now())
        if not json:
            found = f"dataset {short(dataset.version)}, every byte of {dataset.rows:,} rows verified"
            console().print(f"{name}: {found}")
    if json:
        print_json(restored)
