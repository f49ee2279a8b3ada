"""How did the diabetes of 442 patients progress within a year of their examination?"""

from datetime import datetime

import pandas as pd

from millrace.errors import UnknownBatchError

BATCH = "diabetes"

COLUMNS = {
    "age": "age_years",
    "sex": "sex",
    "bmi": "body_mass_index",
    "bp": "blood_pressure",
    "s1": "total_cholesterol",
    "s2": "ldl",
    "s3": "hdl",
    "s4": "cholesterol_ratio",
    "s5": "log_triglycerides",
    "s6": "blood_sugar",
    "target": "progression",
}


def list_batches(now: datetime) -> list[str]:
    """Name the one batch there is: the study ended long ago, and no order of its patients is known."""
    return [BATCH]


def read_batch(name: str) -> pd.DataFrame:
    """Read all patients, in the units they were measured in."""
    if name != BATCH:
        raise UnknownBatchError(name, (BATCH,))
    from sklearn.datasets import load_diabetes

    study: pd.DataFrame = load_diabetes(as_frame=True, scaled=False).frame
    patients = study.rename(columns=COLUMNS)
    # The study codes sex as 1 and 2 without saying which is which: a name, not an amount.
    sex = patients["sex"].astype("int64").astype("str")
    return patients[list(COLUMNS.values())].assign(sex=sex)
