"""What the schemas of the rows on disk have in common."""

import pandas as pd
import pyarrow as pa


def column(name: str, kind: pa.DataType, meaning: str) -> pa.Field:
    """A documented column: its meaning is in the file, in the field's metadata under "is"."""
    return pa.field(name, kind, metadata={"is": meaning})


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Whole numbers stay whole where some are null: a float cannot hold a nanosecond stamp."""
    rows: pd.DataFrame = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return rows
