"""Once a week scores and features of the newest night are held against what the champions learned from."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows import chores, tidying
from flows.bank import BankFile, load_bank
from flows.home import Home
from store.files import read_json, write_parquet
from store.fingerprint import of_path

NIGHT = dt.date(2025, 9, 30)
WEEKLY = """\
import sys
from pathlib import Path
from flows.prefect_home import own_server
bank, home = sys.argv[1:]
with own_server(Path(home) / "small" / "prefect"):
    from prefect.client.orchestration import get_client
    from flows.prefect_flows import weekly
    weekly(bank, home)
    with get_client(sync_client=True) as client:
        for artifact in client.read_artifacts():
            print(f"== {artifact.key}\\n{artifact.data}")
"""


def silent(_what: str, _done: int, _total: int) -> None:
    pass


def opened(place: Any) -> tuple[BankFile, Home]:
    return load_bank(place.bank, {}), Home(place.home / "small")


def test_the_newest_night_is_held_against_the_newest_month_end_learned_from_and_nothing_else_is_touched(published: Any) -> None:
    bank, home = opened(published)
    night = of_path(home.of_day(home.features, NIGHT))
    found = chores.monitor(bank, home, silent)
    assert found is not None
    from models.registry import Registry

    champions = Registry(home.mlflow).champions()
    assert found.reference == max(day for champion in champions for day in champion.trained_on)
    assert found.current == NIGHT
    assert found.reference < found.current
    features = [shift.name for shift in found.shifts if shift.kind == "feature"]
    assert features
    assert set(features) <= {name for champion in champions for name in champion.feature_names}
    assert {shift.name for shift in found.shifts if shift.kind == "score"} <= {champion.name for champion in champions}
    report = read_json(chores.report_of(home, NIGHT))
    assert report["bank"] == "small"
    assert [row["name"] for row in report["shifts"]] == [shift.name for shift in found.shifts]
    assert of_path(home.of_day(home.features, NIGHT)) == night
    assert not list(home.root.glob(".monitor-*"))
    assert chores.monitor(bank, home, silent) == found


def test_a_feature_file_that_was_tampered_with_is_built_anew_and_not_compared(published: Any) -> None:
    bank, home = opened(published)
    before = chores.monitor(bank, home, silent)
    assert before is not None
    path = min(home.of_day(home.features, NIGHT).iterdir())
    table, name = pq.read_table(path, partitioning=None), next(shift.name for shift in before.shifts if shift.kind == "feature")
    place = table.column_names.index(name)
    field = table.schema.field(place)
    write_parquet(path, table.set_column(place, field, pa.nulls(table.num_rows, field.type)))
    assert chores.monitor(bank, home, silent) == before


def test_before_the_first_night_there_is_nothing_to_hold_against(made: Any) -> None:
    bank, home = opened(made())
    assert chores.monitor(bank, home, silent) is None
    assert not chores.report_of(home, NIGHT).exists()


def test_clearing_away_old_files_keeps_what_was_said_of_drift(published: Any) -> None:
    bank, home = opened(published)
    assert chores.monitor(bank, home, silent) is not None
    old = chores.report_of(home, dt.date(2020, 1, 31))
    old.write_bytes(chores.report_of(home, NIGHT).read_bytes())
    scores = home.of_day(home.scores, dt.date(2020, 1, 31))
    scores.write_bytes(home.of_day(home.scores, NIGHT).read_bytes())
    tidying.compact(bank, home)
    assert old.exists()
    assert not scores.exists()


def test_the_weekly_flow_monitors_and_replays_and_shows_both_without_a_customer(published: Any) -> None:
    done = published.warm.run(WEEKLY, [published.bank, published.home])
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "== monitor" in done.stdout
    assert "== backtest" in done.stdout
    assert "against" in done.stdout
    home = Home(published.home / "small")
    assert chores.report_of(home, NIGHT).exists()
    ids = pq.read_table(home.of_day(home.features, NIGHT), columns=["customer_id"])["customer_id"].to_pylist()
    assert not [one for one in ids if one in done.stdout]
