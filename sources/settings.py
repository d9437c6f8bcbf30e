"""The `sources:` section of a bank file: its inputs, how they become canonical tables, and what is checked."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from store.settings import Settings


def _text(value: Any) -> Any:
    """Codes and sentinels are text: YAML reads 00000000 and 1 as numbers, the bank's files do not."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_text)]


def _pattern(value: str) -> str:
    """A regular expression that can be read."""
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(
            f"not a regular expression: {error}; close every bracket, and put a backslash before a sign that stands for itself"
        ) from None
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]


class FlagFile(Settings):
    """A file that says another one is complete; `{name}` is that file's name, `{stem}` the name before its first dot."""

    name: str = "{stem}.ok"
    pattern: Pattern = r"(?P<rows>\d+)(?:\D+?(?P<checksum>[0-9a-fA-F]{32,64}))?"  # groups: rows, checksum
    checksum: Literal["none", "md5", "sha256"] = "none"


class Dated(Settings):
    """Where a file says its day: the first group of `pattern` on its path, or each row's `column`; read by `date`."""

    pattern: Pattern = r"(\d{8})"
    column: str | None = None  # only with `delivery: full`: several days may lie in one file or table
    date: str = "%Y%m%d"
    first_load: Pattern | None = None  # pattern on the names of files without a day: what was there before the first day

    @field_validator("pattern")
    @classmethod
    def _says_day(cls, pattern: str) -> str:
        if not re.compile(pattern).groups:
            raise ValueError("needs a group around what says the day, such as (\\d+)")
        return pattern


class Input(Settings):
    """One table as the bank delivers it. All columns of text files are text; mappings give them meaning."""

    # files
    files: str | None = None  # path or glob, relative to the bank file
    format: Literal["delimited", "fixed", "parquet"] = "delimited"
    separator: str = Field(",", min_length=1)  # one or several characters; 0x03 is written "\x03"
    header: bool = False
    columns: tuple[str, ...] | None = None  # names, where there is no header; with one, the names it must have
    widths: tuple[int, ...] | None = None  # fixed width: bytes per column in the file's own encoding
    quote: str | None = Field(None, max_length=1)
    encoding: Literal["utf-8", "gb18030", "latin-1"] = "utf-8"
    strip: bool = True  # blanks (also U+3000) around values go
    null_values: tuple[Text, ...] = ("",)
    flag: FlagFile | None = None
    dated: Dated | None = None  # the mapping may then use the column `file_on`
    delivery: Literal["appended", "full"] = "appended"  # all files are the table; or each day's is, and days are compared
    key: tuple[str, ...] = ()  # with `full`: the raw columns that tell its rows apart
    # databases
    database: Literal["duckdb", "postgresql", "spark"] | None = None
    uri: str | None = None  # a file relative to the bank file, or ${NAME} from the environment
    table: str | None = None  # schema.table; of Spark also catalog.schema.table, and parquet.`/folder`
    select: str | None = None  # of Spark, instead of `table`: Spark SQL
    since: dt.date | None = None  # only rows with `since_column` from this day on are asked for
    since_column: str | None = None
    # both
    required: bool = True  # the night waits for it
    filled: tuple[str, ...] = ()  # raw columns that should never be blank, mapped or not

    @model_validator(mode="after")
    def _one_kind(self) -> Input:
        if (self.files is None) == (self.database is None):
            raise ValueError("give either `files` or `database`, not both")
        if self.database == "spark":
            if self.uri or (self.table is None) == (self.select is None):
                raise ValueError("an input of Spark needs `table` or `select`, and no `uri`: its session is under `spark`")
        elif self.database and not (self.uri and self.table):
            raise ValueError("a database input needs `uri` and `table`")
        if self.select is not None and (self.database != "spark" or self.since):
            raise ValueError("`select` is for `database: spark`, and says itself since when")
        if (self.since is None) != (self.since_column is None):
            raise ValueError("`since` and `since_column` belong together")
        if (self.delivery == "full") != bool(self.key):
            raise ValueError("`delivery: full` needs `key`, the columns that tell its rows apart; nothing else takes `key`")
        if self.delivery == "full" and (self.dated is None or (self.database and self.dated.column is None)):
            raise ValueError("`delivery: full` needs `dated`: a pattern on the file's name, or a column (databases: a column)")
        if self.delivery != "full" and self.dated and self.dated.column:
            raise ValueError("`dated: column` is for `delivery: full`; elsewhere map that column")
        if self.delivery == "full" and self.dated and self.dated.first_load:
            raise ValueError("`first_load` is for files that are added to; full files all have a day")
        if self.files and self.format == "fixed" and len(self.widths or ()) != len(self.columns or ("",)):
            raise ValueError("fixed width needs `columns` and as many `widths`")
        if self.files and self.format == "delimited" and not self.header and not self.columns:
            raise ValueError("a file without a header needs `columns`")
        return self


class Sign(Settings):
    """A debit/credit mark: which values of `column` are money in, which money out; any other makes the row unreadable."""

    column: str
    credit: tuple[Text, ...]
    debit: tuple[Text, ...]


class ColumnMap(Settings):
    """How one canonical column is made of one source column. A bare name in YAML is `{column: name}`."""

    column: str | None = None
    value: Text | bool | None = None  # the same for every row
    prefix: str = ""  # put before identifiers that would otherwise clash
    date: str | None = None  # strptime format; none for columns that are dates already
    pivot: int | None = None  # two-digit years: first of the hundred years meant (1900: 00 is 1900)
    sentinels: tuple[Text, ...] = ()  # values that mean "none", such as 00000000 and 99991231
    codes: dict[Text, Text | None] | None = None  # the bank's codes -> canonical codes; null: none
    otherwise: Text | None = None  # for codes not listed; without it they break the rule `code`
    blank: Text | None = None  # for rows without a code
    unit: Literal["major", "minor", "ten_thousand"] = "major"  # money: yuan, fen, wan yuan
    sign: Sign | None = None
    round: bool = False  # money with more decimals than the currency has: round half up, else refuse
    rate: Literal["fraction", "percent", "per_mille", "per_ten_thousand"] = "fraction"
    per: Literal["year", "month", "day"] = "year"  # a month counts 12 times, a day 360 times, as banks quote them
    true: tuple[Text, ...] = ("1", "Y", "y", "true", "T", "t", "是")
    false: tuple[Text, ...] = ("0", "N", "n", "false", "F", "f", "否")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _possible(self) -> ColumnMap:
        if (self.column is None) == (self.value is None):
            raise ValueError("give either `column` or `value`")
        if self.date and ("%y" in self.date) != (self.pivot is not None):
            raise ValueError("two-digit years (%y) need `pivot`, the first of the hundred years meant; other dates take none")
        return self


class TableMap(Settings):
    """How one canonical table is made: `from` one input, or one `select` over inputs; then `where`, then `columns`.

    With `select`, its columns named as canonical ones are taken by name; `columns` says how to read those that need it.
    """

    from_: str | None = Field(None, alias="from")
    select: str | None = None  # DuckDB SQL, one SELECT over the inputs by name
    where: str | None = None  # DuckDB SQL condition on the source's columns
    columns: dict[str, ColumnMap] = Field(default_factory=dict)
    recorded_on: ColumnMap | None = None  # when the bank wrote the row down, where that is later than its event
    valid_from: ColumnMap | None = None  # from when this version of the attributes holds
    deleted: ColumnMap | None = None  # true: this version removes the row
    currency: ColumnMap | None = None  # rows in another currency than the bank's go to quarantine
    undated: tuple[str, ...] = ()  # known as of today only: they route lists and are never features

    @model_validator(mode="after")
    def _one_origin(self) -> TableMap:
        if (self.from_ is None) == (self.select is None):
            raise ValueError("give either `from` or `select`")
        if self.from_ is not None and not self.columns:
            raise ValueError("`from` needs `columns`")
        return self


class Derived(Settings):
    """Tables made of others. Balances: from the running balance of transactions, where the bank has no balance table."""

    balances: Literal["none", "transactions"] = "none"


class Range(Settings):
    """Limits of a canonical column; a value outside breaks the rule `range`."""

    low: float | None = None
    high: float | None = None


class Checks(Settings):
    """What counts as broken, where banks differ."""

    highest_rate: float = 0.36  # above it a rate was surely entered in percent
    balance_tolerance: int = 0  # minor units a day's closing balance may miss the sum of its movements by
    ahead_days: int = Field(31, gt=0)  # a few rows dated more days than this after all others: their day is a mistake
    late_days: int = 5  # recorded more days than this after the event: reported as late
    ranges: dict[str, dict[str, Range]] = Field(default_factory=dict)  # table -> column -> limits, in canonical units
    flag_only: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # table -> rules that are reported and nothing more
    unknown_birth: tuple[dt.date, ...] = (dt.date(1900, 1, 1),)


class Volume(Settings):
    """A day's rows against days of its kind (quarter's interest day, month end, working day, rest day)."""

    low: float = 0.4  # share of the usual
    high: float = 2.5
    days: int = Field(8, ge=2)  # how many earlier days of the kind make the usual; fewer than 3: no gate


class Totals(Settings):
    """Control totals the bank states for a canonical table; sums in whole currency units."""

    rows: int | None = None
    sums: dict[str, Decimal] = Field(default_factory=dict)


class Gates(Settings):
    """What stops a night before anything is published."""

    fresh: tuple[str, ...] = ()  # canonical tables whose last event date says how far the data goes
    newest: dt.date | None = None  # states the newest business date instead
    volume: dict[str, Volume] = Field(default_factory=dict)
    totals: dict[str, Totals] = Field(default_factory=dict)
    highest_quarantined: float = 0.05  # share of a table's rows
    highest_conflicting: float = 0.001  # share of a table's rows whose key stands for different rows
    highest_unreadable: float = 0.01  # share of a file's lines
    highest_gone: float = 0.1  # share of a day's keys that the next full file may lack


class Waiver(Settings):
    """A known incompleteness: this rule of this table does not stop a night; the report shows it with its reason."""

    table: str  # a canonical table or an input
    rule: str
    column: str | None = None
    on: dt.date | None = None  # only for this business date
    at_most: int | None = None  # more rows than this are not what was waived
    reason: str = Field(min_length=10)


class SourceSettings(Settings):
    """The `sources:` section."""

    buckets: int | None = Field(None, ge=1, le=4096)  # parts the customers are spread over; None: as many as fit in memory
    inputs: dict[str, Input]
    tables: dict[str, TableMap]
    dialect: Literal["duckdb", "spark"] = "duckdb"  # of every `select` and `where`
    derived: Derived = Derived()
    checks: Checks = Checks()
    gates: Gates = Gates()
    waivers: tuple[Waiver, ...] = ()

    @field_validator("dialect")
    @classmethod
    def _one_dialect(cls, dialect: str, others: ValidationInfo) -> str:
        inputs, tables = others.data.get("inputs", {}), others.data.get("tables", {})
        if dialect == "spark":
            if any(spec.database != "spark" for spec in inputs.values()):
                raise ValueError("with `dialect: spark` every input is `database: spark`")
            full = {name for name, spec in inputs.items() if spec.delivery == "full"}
            if any(how.from_ in full and how.where for how in tables.values()):
                raise ValueError("with `dialect: spark` no `where` is asked of full files; select in the input itself")
        return dialect
