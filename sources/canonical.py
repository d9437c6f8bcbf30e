"""Canonical tables on disk, as the last intake left them: read as they were known at a date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from sources.connection import connect
from sources.sqltext import literal
from sources.tables import SQL_TYPE, TABLES, Table
from store.errors import DataDamaged, TerraceError
from store.files import read_json
from store.fingerprint import unlike
from store.limits import USUAL, Limits

_FEW = 8  # customers of a bucket that are looked for one by one


class DataFile(BaseModel):
    """One Parquet file of a canonical table: its path under the tables' folder, size and content hash."""

    model_config = ConfigDict(frozen=True)
    path: str
    size: int
    sha256: str
    bucket: int | None = None


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
    fingerprint: str = ""  # of the rows in force: equal rows, equal text, in whatever files and order they lie
    files: tuple[DataFile, ...] = ()  # of the Delta version
    hidden: DataFile | None = None  # rows (file, row) of those files that later intakes have replaced


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
    intake: int = 0  # number of the intake, under which `landed/` keeps what it knew

    def content(self) -> dict[str, Any]:
        """What is equal where the rows are equal, however many intakes they came in."""
        content = self.model_dump(mode="json", exclude={"tables", "intake"})
        places = {"delta_version", "files", "hidden"}
        return content | {"tables": {name: t.model_dump(mode="json", exclude=places) for name, t in self.tables.items()}}


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
    """A bank's canonical tables at one intake: the files that its manifest names, without the rows it hides."""

    root: Path
    manifest: CanonicalManifest
    limits: Limits  # of whoever reads them

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB to read the tables with, which spills beside them."""
        return connect(self.limits, self.root.parent / "spill")

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
        """The Parquet files of a table, or of one bucket of customers, in name order; some of their rows may be hidden.

        Raises DataDamaged where one is missing or has another size than it was written with.
        """
        only = bucket if TABLES[table].by != "bank" else None
        chosen = [file for file in self.manifest.tables[table].files if only in (None, file.bucket)]
        for file in chosen:
            if wrong := wrong_with(self.root, file):
                raise damaged(table, file, wrong)
        return sorted(str(self.root / file.path) for file in chosen)

    def relation_sql(self, table: str, bucket: int | None = None) -> str:
        """A relation of the table's rows in force, or an empty typed one where the bank has none."""
        if table not in self.manifest.tables:
            return f"(SELECT {_typed_nulls(TABLES[table])} WHERE false)"
        try:
            files = self.files(table, bucket)
        except DataDamaged:
            if (now := self._put_together()) is None:
                raise
            return now.relation_sql(table, bucket)
        if not files:
            every = self.files(table)
            none = f"(SELECT {_typed_nulls(TABLES[table])} WHERE false)"
            return f"(SELECT * FROM {read_sql(table, every)} WHERE false)" if every else none
        hiding = self.hiding(table)
        plain = [file for file in files if file not in hiding]
        if len(plain) == len(files):
            return read_sql(table, files)
        parts = [f"SELECT * FROM {read_sql(table, plain)}"] if plain else []
        parts.append(self._in_force_sql(table, [file for file in files if file in hiding]))
        return f"({' UNION ALL BY NAME '.join(parts)})"

    def _put_together(self) -> Canonical | None:
        """The same rows where they lie by now; None where the manifest is still this one, or rows came or went."""
        now = open_canonical(self.root, self.limits)
        same = now.manifest.intake == self.manifest.intake and now.manifest.content() == self.manifest.content()
        return now if same and now.manifest != self.manifest else None

    def placed_sql(self, table: str, among: Collection[str] | None = None, people: Sequence[str] = ()) -> str:
        """A SELECT of the rows in force with `_file` (path under the tables' folder) and `_at` (row in the file).

        `among`: of these files only; `people`: of these customers only.
        """
        files = [file for file in self.files(table) if among is None or Path(file).relative_to(self.root).as_posix() in among]
        names = ", ".join(literal(Path(file).relative_to(self.root).as_posix()) for file in files)
        place = f", [{names}][r.file_index::BIGINT + 1] AS _file, r.file_row_number AS _at"
        return self._in_force_sql(table, files, place, people)

    def placed_of_sql(self, table: str, people: str, buckets: Mapping[int, Sequence[str]]) -> str:
        """As `placed_sql`, of some customers: a relation of (bucket, id), and what it holds.

        Each bucket's files are asked for their own customers only: a row group of every other spans these ids too. A few are
        asked for one by one: of row groups between them nothing is read then.
        """
        parts = []
        for bucket, ids in sorted(buckets.items()):
            among = {file.path for file in self.manifest.tables[table].files if file.bucket == bucket}
            if among and len(ids) <= _FEW:
                parts.append(self.placed_sql(table, among, sorted(ids)))
            elif among:
                whose = f"(SELECT id FROM {people} WHERE bucket = {bucket}) p ON p.id = r.customer_id"
                parts.append(f"SELECT r.* FROM ({self.placed_sql(table, among)}) r SEMI JOIN {whose}")
        return " UNION ALL ".join(parts) or f"SELECT * FROM ({self.placed_sql(table)}) WHERE false"

    def hiding(self, table: str) -> set[str]:
        """The files of a table of which rows are hidden."""
        listed = self._hidden(table, "file")["file"].unique().to_pylist()
        return {str(self.root / file) for file in listed}

    def hidden_rows(self, table: str) -> dict[str, list[int]]:
        """For files of a table of which rows are hidden: which rows."""
        hidden = self._hidden(table, "file", "row")
        each = hidden.group_by("file", use_threads=False).aggregate([("row", "list")])
        listed = zip(each["file"].to_pylist(), each["row_list"].to_pylist(), strict=True)
        return {str(self.root / file): rows for file, rows in listed}

    def _hidden(self, table: str, *columns: str) -> pa.Table:
        """Columns of the list of a table's hidden rows."""
        hidden = self.manifest.tables[table].hidden
        if hidden is None:
            return pa.table({"file": pa.array([], pa.string()), "row": pa.array([], pa.int64())})
        if wrong := wrong_with(self.root, hidden):
            raise damaged(table, hidden, wrong)
        return pq.read_table(self.root / hidden.path, columns=list(columns))

    def _in_force_sql(self, table: str, files: Sequence[str], more: str = "", people: Sequence[str] = ()) -> str:
        """A SELECT over files without the rows that are hidden; of all customers or of some."""
        hidden = self.manifest.tables[table].hidden
        without = ""
        if hidden is not None:
            names = ", ".join(literal(Path(file).relative_to(self.root).as_posix()) for file in files)
            without = (
                f" ANTI JOIN (SELECT ((list_position([{names}], file) - 1)::BIGINT << 40) + row AS at FROM"
                f" read_parquet({literal(str(self.root / hidden.path))}) WHERE list_contains([{names}], file)) h"
                " ON h.at = (r.file_index::BIGINT << 40) + r.file_row_number"
            )
        rows, columns = read_sql(table, files), "r.*"
        if people:
            places = "file_index, file_row_number"
            each = (f"SELECT *, {places} FROM {rows} WHERE customer_id = {literal(person)}" for person in people)
            rows, columns = f"({' UNION ALL '.join(each)})", f"r.* EXCLUDE ({places})"
        return f"SELECT {columns}{more} FROM {rows} r{without}"

    def scan(
        self, con: duckdb.DuckDBPyConnection, table: str, as_of: dt.date, bucket: int | None = None
    ) -> duckdb.DuckDBPyRelation:
        """The table as it was known at the close of `as_of`, all columns."""
        return con.sql(as_of_sql(table, self.relation_sql(table, bucket), as_of))


def read_sql(table: str, files: Sequence[str]) -> str:
    """`read_parquet(...)` text over files of a table."""
    listed = ", ".join(literal(file) for file in files)
    hive = (
        ", hive_partitioning=true, hive_types={'bucket': INTEGER}"
        if TABLES[table].by != "bank"
        else ", hive_partitioning=false"
    )
    return f"read_parquet([{listed}]{hive})"


def wrong_with(root: Path, file: DataFile, *, read: bool = False) -> str:
    """What is wrong with a file, without reading it unless asked to; empty: nothing."""
    return unlike(root / file.path, file.size, file.sha256 if read else "")


def damaged(table: str, file: DataFile, wrong: str) -> DataDamaged:
    """The error for a canonical file that is not as it was written."""
    of = f"table {table}, bucket {file.bucket}" if file.bucket is not None else f"table {table}"
    return DataDamaged(
        f"the file {file.path} {wrong}",
        where=of,
        expected="the files the last intake wrote",
        do="run `terrace check`: it is made again from what was landed",
    )


def _typed_nulls(table: Table) -> str:
    columns = [f'NULL::{SQL_TYPE[c.kind]} AS "{c.name}"' for c in table.columns]
    if table.by in ("account", "loan"):
        columns.append("NULL::VARCHAR AS customer_id")
    if table.by != "bank":
        columns.append("NULL::INTEGER AS bucket")
    return ", ".join([*columns, "NULL::DATE AS known_from", "NULL::DATE AS known_to"])


def open_canonical(root: Path, limits: Limits = USUAL) -> Canonical:
    """The canonical tables last taken in under `root`. Raises TerraceError where there are none."""
    path = root / "manifest.json"
    if not path.exists():
        raise TerraceError("no canonical tables", where=str(root), do="run `terrace check` to take the bank's data in")
    return Canonical(root, CanonicalManifest.model_validate(read_json(path)), limits)
