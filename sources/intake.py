"""From what the bank delivers to canonical tables: landed, mapped, checked, written; nothing changed, nothing done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from sources.balances import check_running, derive_balances
from sources.canonical import Canonical, open_canonical, write_canonical
from sources.contract import Checked, check_table, in_order, life_table
from sources.delivery import deliveries, paths_of
from sources.landing import Landed, columns_of, empty, land
from sources.mapping import Mapped, map_table
from sources.settings import SourceSettings
from sources.sqltext import one
from store.errors import GateBroken
from store.files import fresh_folder
from store.fingerprint import of_code, of_json

Progress = Callable[[str, int, int], None]


def take_in(settings: SourceSettings, root: Path, base: Path, bank: str, currency: str, *,
            progress: Progress | None = None) -> Canonical:
    """The bank's canonical tables under `root`, taken in anew where an input, the settings or the code have changed."""
    say = progress or (lambda what, done, total: None)
    found = deliveries(settings.inputs, base)
    inputs = {name: delivery.fingerprint for name, delivery in found.items()}
    config_hash, code_hash = of_json(settings.model_dump(mode="json")), of_code([Path(__file__).parent])
    manifest = root / "canonical" / "manifest.json"
    if manifest.exists():
        there = open_canonical(root / "canonical")
        if (there.manifest.inputs, there.manifest.config_hash, there.manifest.code_hash) == (inputs, config_hash, code_hash):
            return there
    work = fresh_folder(root / "work")
    con = duckdb.connect(str(work / "intake.duckdb"), config={
        "autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "threads": "2", "memory_limit": "2GB",
        "preserve_insertion_order": "false", "temp_directory": str(work / "spill"), "python_enable_replacements": "false"})
    landed: dict[str, Landed] = {}
    for number, (name, spec) in enumerate(settings.inputs.items()):
        say(f"read {name}", number, len(settings.inputs))
        columns = columns_of(con, name, spec, paths_of(base, spec)) or {}
        landed[name] = land(con, found[name], spec, columns, work) if name in found and found[name].files else empty(
            con, name, columns)
    mapped: dict[str, Mapped] = {}
    for number, (name, how) in enumerate(settings.tables.items()):
        say(f"map {name}", number, len(settings.tables))
        mapped[name] = map_table(con, name, how, 2, how.from_ is not None and settings.inputs[how.from_].format == "parquet")
    checked: dict[str, Checked] = {}
    for number, name in enumerate(in_order(mapped)):
        say(f"check {name}", number, len(mapped))
        checked[name] = check_table(con, mapped[name], settings.checks, currency, set(checked))
        if name in ("accounts", "loans"):
            life_table(con, name, checked[name].columns)
    relations = {name: f"clean_{name}" for name in checked}
    if "transactions" in checked and "balance_after" in checked["transactions"].columns and "accounts" in checked:
        say("running balances", 0, 1)
        running = check_running(con, _columns(con, "clean_transactions"), settings.checks.balance_tolerance)
        if "day_order" not in checked["transactions"].columns:
            con.execute("CREATE VIEW ordered_transactions AS SELECT c.*, d.day_order FROM clean_transactions c"
                        " LEFT JOIN day_orders d USING (transaction_id)")
            relations["transactions"] = "ordered_transactions"
        if settings.derived.balances == "transactions":
            derive_balances(con)
            relations["balances"] = "derived_balances"
    newest = newest_date(con, settings, checked)
    canonical = write_canonical(con, root / "canonical", relations, bank=bank, currency=currency, buckets=settings.buckets,
                                newest=newest, inputs=inputs, config_hash=config_hash, code_hash=code_hash,
                                undated={name: how.undated for name, how in settings.tables.items() if how.undated})
    con.close()
    return canonical


def _columns(con: duckdb.DuckDBPyConnection, relation: str) -> tuple[str, ...]:
    return tuple(d[0] for d in con.execute(f"SELECT * FROM {relation} LIMIT 0").description or [])


def newest_date(con: duckdb.DuckDBPyConnection, settings: SourceSettings, checked: Mapping[str, Checked]) -> dt.date:
    """The last business date with every required source delivered."""
    from sources.tables import TABLES
    dates = []
    for name in settings.gates.fresh:
        dates.append(one(con, f'SELECT max("{TABLES[name].event}") FROM clean_{name}')[0])
    if not dates or None in dates:
        raise GateBroken("no date says how far the data goes", where="gates.fresh")
    return min(dates)
