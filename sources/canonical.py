"""Canonical tables on disk: written once per intake, read as they were known at a date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from pydantic import BaseModel, ConfigDict

from sources.identity import resolved_sql
from sources.sqltext import one, quiet
from sources.tables import SQL_TYPE, TABLES, Table
from sources.written import KNOWING, columns_of, order_sql, prepare_owners, written_sql
from store.errors import TerraceError
from store.files import read_json, write_json


class TableState(BaseModel):
    """What one canonical table holds, for those who read it."""

    model_config = ConfigDict(frozen=True)
    rows: int
    delta_version: int
    mapped: tuple[str, ...] = ()  # columns this bank maps, whether or not values have come: the same at any as_of
    filled: tuple[str, ...]  # those of them that hold a value
    undated: tuple[str, ...] = ()  # attributes known as of today only: they route lists and are never features
    first_on: dt.date | None = None  # event dates
    last_on: dt.date | None = None


class CanonicalManifest(BaseModel):
    """One intake: what came in, and what it became."""

    model_config = ConfigDict(frozen=True)
    bank: str
    currency: str
    buckets: int
    newest_business_date: dt.date
    inputs: dict[str, str]  # source name -> content hash
    config_hash: str
    code_hash: str
    tables: dict[str, TableState]


def connect(memory_limit: str = "4GB", threads: int = 2) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that loads no extension from anywhere and keeps the time zone out of the data."""
    con = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": memory_limit,
            "threads": str(threads),
            "preserve_insertion_order": "false",
        }
    )
    return quiet(con)


def as_of_sql(table: str, relation: str, as_of: dt.date | int, columns: Iterable[str] | None = None) -> str:
    """A SELECT over `relation` (rows of a canonical table) with the rows and facts that were known at the close of `as_of`.

    A row counts from its `known_from` until its `known_to`; facts that come true later read as null before their date.
    A whole number as `as_of` is for relations whose days are whole numbers.
    """
    spec, day = TABLES[table], f"DATE '{as_of.isoformat()}'" if isinstance(as_of, dt.date) else str(as_of)
    chosen = list(columns) if columns is not None else ["*"]
    later = {c.name: c.later for c in spec.columns if c.later}
    if chosen == ["*"]:
        masked = ", ".join(f'CASE WHEN "{d}" <= {day} THEN "{c}" END AS "{c}"' for c, d in later.items())
        body = f"* REPLACE ({masked})" if masked else "*"
    else:
        body = ", ".join(f'CASE WHEN "{later[c]}" <= {day} THEN "{c}" END AS "{c}"' if c in later else f'"{c}"' for c in chosen)
    return f"SELECT {body} FROM {relation} WHERE known_from <= {day} AND (known_to IS NULL OR known_to > {day})"


@dataclass(frozen=True)
class Canonical:
    """A bank's canonical tables at one intake; every read goes through the manifest's Delta versions."""

    root: Path
    manifest: CanonicalManifest

    def has(self, table: str, *columns: str) -> bool:
        """Whether the bank maps this table, and these columns of it to dated facts.

        Whether anything has come yet is not asked: what is there at an as_of must not depend on what came after it.
        """
        state = self.manifest.tables.get(table)
        return state is not None and all(c in state.mapped and c not in state.undated for c in columns)

    @property
    def mapped(self) -> frozenset[tuple[str, str]]:
        """Tables and columns the bank maps to dated facts."""
        tables = self.manifest.tables.items()
        return frozenset((table, name) for table, state in tables for name in state.mapped if name not in state.undated)

    def files(self, table: str, bucket: int | None = None) -> list[str]:
        """The Parquet files of a table, or of one bucket of customers, in name order."""
        only = bucket if TABLES[table].by != "bank" else None
        return _files(self.root / table, self.manifest.tables[table].delta_version, only)

    def relation_sql(self, table: str, bucket: int | None = None) -> str:
        """`read_parquet(...)` text over the table's files, or an empty typed table where the bank has none."""
        if table not in self.manifest.tables:
            return f"(SELECT {_typed_nulls(TABLES[table])} WHERE false)"
        files = self.files(table, bucket)
        if not files:
            files = self.files(table)
            if not files:
                return f"(SELECT {_typed_nulls(TABLES[table])} WHERE false)"
            listed = ", ".join(_quote(f) for f in files)
            whole = f"read_parquet([{listed}], hive_partitioning=true, hive_types={{'bucket': INTEGER}})"
            return f"(SELECT * FROM {whole} WHERE false)"
        listed = ", ".join(_quote(f) for f in files)
        return (
            f"read_parquet([{listed}], hive_partitioning=true, hive_types={{'bucket': INTEGER}})"
            if TABLES[table].by != "bank"
            else f"read_parquet([{listed}])"
        )

    def scan(
        self, con: duckdb.DuckDBPyConnection, table: str, as_of: dt.date, bucket: int | None = None
    ) -> duckdb.DuckDBPyRelation:
        """The table as it was known at the close of `as_of`, all columns."""
        return con.sql(as_of_sql(table, self.relation_sql(table, bucket), as_of))


def _files(folder: Path, version: int, bucket: int | None = None) -> list[str]:
    """Data files of a Delta table at a version, by their names in its log: a folder's name may hold blanks or Chinese."""
    added = pa.table(DeltaTable(str(folder), version=version).get_add_actions(flatten=True)).to_pydict()
    buckets = added.get("partition.bucket", [None] * len(added["path"]))
    return sorted(str(folder / path) for path, of in zip(added["path"], buckets, strict=True) if bucket in (None, of))


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _typed_nulls(table: Table) -> str:
    columns = [f'NULL::{SQL_TYPE[c.kind]} AS "{c.name}"' for c in table.columns]
    if table.by in ("account", "loan"):
        columns.append("NULL::VARCHAR AS customer_id")
    if table.by != "bank":
        columns.append("NULL::INTEGER AS bucket")
    return ", ".join([*columns, "NULL::DATE AS known_from", "NULL::DATE AS known_to"])


def open_canonical(root: Path) -> Canonical:
    """The canonical tables last taken in under `root`. Raises TerraceError where there are none."""
    path = root / "manifest.json"
    if not path.exists():
        raise TerraceError("no canonical tables", where=str(root), do="run `terrace check` to take the bank's data in")
    return Canonical(root, CanonicalManifest.model_validate(read_json(path)))


def write_canonical(
    con: duckdb.DuckDBPyConnection,
    root: Path,
    sources: Mapping[str, str],
    *,
    bank: str,
    currency: str,
    buckets: int = 8,
    newest: dt.date,
    inputs: Mapping[str, str],
    config_hash: str = "",
    code_hash: str = "",
    undated: Mapping[str, Sequence[str]] | None = None,
    single: Collection[str] = (),
) -> Canonical:
    """Write canonical tables from relations of `con` (table name -> relation name) and make them the ones in force.

    A relation holds columns of its table by name (those a bank has not are left out) and may hold `recorded_on` (default:
    the event's date; several rows of one key are versions, the last recorded counts), `valid_from` (versions of attributes)
    and `deleted` (this version removes the row). `single` names tables of which it is known that no key occurs twice. The
    order of rows on disk is total: bucket, owner, event date, key. `customer_id` is the number that stood for the person: a
    merge ends a row's version under the old number and begins one under the new (sources.identity). The manifest is written
    last, so a crash leaves the earlier intake in force.
    """
    states: dict[str, TableState] = {}
    prepare_owners(con, sources, buckets)
    for name in [table for table in TABLES if table in sources]:
        spec, relation = TABLES[name], sources[name]
        present = columns_of(con, relation)
        unknown = set(present) - set(spec.names) - set(KNOWING) if name != "snapshots" else set()
        if unknown:
            raise TerraceError(f"columns {sorted(unknown)} are not of the table", where=name, expected=", ".join(spec.names))
        query = written_sql(con, spec, relation, present, buckets, is_single=name in single)
        if spec.by != "bank" and "merges" in sources:
            query = resolved_sql(query, spec)
        query = f"SELECT * FROM ({query}) ORDER BY {order_sql(spec)}"
        reader = con.sql(query).to_arrow_reader(200_000)
        write_deltalake(
            str(root / name),
            reader,
            mode="overwrite",
            schema_mode="overwrite",
            partition_by=["bucket"] if spec.by != "bank" else None,
        )
        version = DeltaTable(str(root / name)).version()
        states[name] = _state(root, name, version, present, tuple((undated or {}).get(name, ())))
    manifest = CanonicalManifest(
        bank=bank,
        currency=currency,
        buckets=buckets,
        newest_business_date=newest,
        inputs=dict(inputs),
        config_hash=config_hash,
        code_hash=code_hash,
        tables=states,
    )
    write_json(root / "manifest.json", manifest.model_dump(mode="json"))
    return Canonical(root, manifest)


def _state(root: Path, name: str, version: int, present: list[str], undated: tuple[str, ...]) -> TableState:
    files = ", ".join(_quote(f) for f in _files(root / name, version))
    event = TABLES[name].event
    mapped = tuple(c for c in present if c in TABLES[name].names or name == "snapshots")
    if not files:
        return TableState(rows=0, delta_version=version, mapped=mapped, filled=(), undated=undated)
    counts = ", ".join([f'count("{c}")' for c in mapped] or ["0"])
    dates = f'min("{event}"), max("{event}")' if event and event in mapped else "NULL, NULL"
    con = connect()  # the writer's connection may be closed to files
    row = one(con, f"SELECT count(*), {dates}, {counts} FROM read_parquet([{files}], hive_partitioning=true)")
    con.close()
    return TableState(
        rows=row[0],
        delta_version=version,
        first_on=row[1],
        last_on=row[2],
        undated=undated,
        mapped=mapped,
        filled=tuple(c for c, n in zip(mapped, row[3:], strict=False) if n),
    )
