"""Which tables hold the ledger? The same on SQLite and Postgres."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, PrimaryKeyConstraint, Table, Text

metadata = MetaData()

entries = Table(
    "entries",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    # text, because a timestamp column would not give back the very text that was hashed
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("model", Text, nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("prev_hash", Text, nullable=False, unique=True),
    Column("hash", Text, nullable=False, unique=True),
)

serving = Table(
    "serving",
    metadata,
    Column("model", Text, primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("champion", Text),
    Column("previous", Text),
    # these four are empty unless a challenger is on its way
    Column("challenger", Text),
    Column("strategy", Text),
    Column("step", Integer),
    Column("weight", Integer),
    Column("since_seq", Integer, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("key", Text, primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("lease_until", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("result", Text),
)

arrivals = Table(
    "arrivals",
    metadata,
    Column("model", Text),
    Column("batch_digest", Text),
    Column("state", Text, nullable=False),
    PrimaryKeyConstraint("model", "batch_digest"),
)
