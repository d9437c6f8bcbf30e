"""pandas as an engine: the same expressions over data frames, for a notebook and as the other side of the equality test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import narwhals.stable.v2 as nw
import pandas as pd
import pyarrow as pa
from babel.numbers import get_currency_precision

from features.calendar import Clock
from features.compile import KEY, gathered, names_of
from features.declare import Feature
from features.known import Frame, Known
from features.moment import Moment
from features.parts import finished
from features.population import population
from features.program import program
from features.reading import needed
from features.rows import row_sets
from features.settings import FeatureSettings
from sources.tables import TABLES

_ARROW = {
    "date": pa.int64(),
    "money": pa.float64(),
    "int": pa.float64(),
    "bool": pa.float64(),
    "number": pa.float64(),
    "rate": pa.float64(),
}


class Frames:
    """An engine over canonical tables as data frames."""

    def __init__(self, tables: Mapping[str, pd.DataFrame]) -> None:
        self.tables, self.kernels = tables, None

    def table(self, name: str) -> Frame:
        return nw.from_native(self.tables[name]).lazy()

    def keep(self, _name: str, frame: Frame) -> Frame:
        return frame.collect().lazy()


def from_frames(
    tables: Mapping[str, pd.DataFrame],
    settings: FeatureSettings,
    as_of: dt.date,
    wanted: Iterable[Feature],
    currency: str = "CNY",
) -> pa.Table:
    """The features of one date from canonical tables as they were known then (`Canonical.scan(...).df()`).

    A table or column that is not there reads as empty; name only features that the tables can have.
    """
    wanted = list(wanted)
    sets = row_sets()
    plain = {name: _plain(name, tables.get(name), sorted(names)) for name, names in needed(wanted, sets).items()}

    def has(table: str, *names: str) -> bool:
        return all(name in plain[table] and bool(plain[table][name].notna().any()) for name in names)

    starts = {"balances": int(plain["balances"]["on"].min())} if "balances" in plain and len(plain["balances"]) else {}
    known = Known(Moment(Clock(as_of, settings.calendar), starts), Frames(plain), sets, has)
    rows = gathered(known, population(known), wanted).collect().to_arrow().sort_by(KEY)
    names = names_of(wanted)
    made = program(wanted, list(names), 10 ** get_currency_precision(currency)).over(rows, names, known.clock.clock)
    return finished(pa.table({KEY: rows[KEY], **made}), wanted, as_of)


def _plain(table: str, frame: pd.DataFrame | None, names: list[str]) -> pd.DataFrame:
    """Columns as the engine wants them: dates whole day numbers, money whole doubles, all nullable."""
    spec = TABLES[table]
    wanted = sorted({*names, *spec.key, *(() if spec.by == "bank" else ("customer_id",))})
    columns_: dict[str, pd.Series] = {}
    for name in wanted:
        kind = spec.column(name).kind if name in spec.names else "id"
        values = None if frame is None or name not in frame else frame[name]
        columns_[name] = pd.Series(_values(values, kind), dtype=pd.ArrowDtype(_ARROW.get(kind, pa.string())))
    plain = pd.DataFrame(columns_)
    if table == "balances":
        plain = plain.sort_values(["account_id", "on"], ignore_index=True)
        plain["change"] = plain["balance"] - plain.groupby("account_id")["balance"].shift(1).fillna(0.0)
    return plain


def _values(values: pd.Series | None, kind: str) -> pa.Array:
    if values is None:
        return pa.array([], _ARROW.get(kind, pa.string()))
    array = pa.Array.from_pandas(values)
    if kind == "date":
        return array.cast(pa.date32()).cast(pa.int32()).cast(pa.int64())
    return array.cast(_ARROW.get(kind, pa.string()))
