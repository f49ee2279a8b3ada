"""A model whose rows stand in a database: the planted `fares`, its rides sold over a table."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import sqlalchemy

from millrace.adapters.models import load_source
from tests.conftest import Home

SQL = """source = "sql"
schedule = "0 * * * *"
sql = {{ url = "{url}", query = "{query}", watermark = "{watermark}", batch_rows = {batch_rows}{lag} }}"""


NOTED = 'noted = { type = "timestamp" }'
"""The watermark is a column of the contract."""


@dataclass(frozen=True)
class RideTable:
    """The table `rides` of a database; `noted` is when a row was written there."""

    home: Home
    engine: sqlalchemy.Engine

    @classmethod
    def make(cls, home: Home, url: str, **asked: object) -> "RideTable":
        """Let `fares` ask the database at `url`, which gets an empty table."""
        home.add_model("fares")
        engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        table = cls(home, engine)
        table.ask(url, **asked)
        rides = table.rides("2013-01").iloc[:0]
        table.write(rides if asked.get("watermark", "ride") == "ride" else rides.assign(noted=""))
        return table

    def ask(self, url: str, **asked: object) -> None:
        """Write `[data.sql]` anew."""
        query = "SELECT * FROM rides"
        words = {"url": url, "query": query, "watermark": "ride", "batch_rows": 1000, "lag": "", **asked}
        self.home.rewrite("fares", 'source = "python"', SQL.format(**words))
        if words["watermark"] != "ride":
            self.home.rewrite("fares", "[contract.columns]", f"[contract.columns]\n{NOTED}")

    def rides(self, month: str) -> pd.DataFrame:
        """Return the rides of a month, as `source.py` of the planted model has them."""
        return load_source(self.home.models, "fares").read_batch(month)

    def write(self, rides: pd.DataFrame) -> None:
        with self.engine.begin() as connection:
            rides.to_sql("rides", connection, if_exists="append", index=False)

    def run(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)


def empty_file(path: Path) -> str:
    """Return the address of a new SQLite database."""
    path.touch()
    return f"sqlite:///{path}"
