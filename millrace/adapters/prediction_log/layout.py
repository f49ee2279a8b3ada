"""Where in a log's folder does what lie beside the segments?"""

from pathlib import Path


def compacted_folder(folder: Path) -> Path:
    """Return where the parquet files lie."""
    return folder / "compacted"


def list_days(folder: Path, model: str) -> list[Path]:
    """Return the folders of a model's days, the oldest first."""
    return sorted((compacted_folder(folder) / model).glob("????-??-??"))


def damaged_folder(folder: Path) -> Path:
    """Return where segments are set aside whose damage no dying writer explains, as `<stem>@<offset>.seg`."""
    return folder / "damaged"
