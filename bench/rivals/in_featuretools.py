"""featuretools: an entity set of customers and their transactions, and a feature matrix per training window."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import featuretools as ft
import pandas as pd
from featuretools.primitives import And, Count, Or, Sum

from bench.place import Found, Place
from bench.rivals.task import SIGNS, Task, Wanted, key, read

EPOCH = pd.Timestamp("1970-01-01")


def sums(place: Place, customers: int = 0) -> Callable[[], Found]:
    task, out = read(place.work / f"customers-{customers}" if customers else place.work), place.work / "featuretools.parquet"

    def run() -> Found:
        warnings.simplefilter("ignore", FutureWarning)
        rows = pd.read_parquet(task.rows)
        entities = _entities(rows)
        cutoff = EPOCH + pd.Timedelta(days=task.day)
        frames = []
        for after, through in sorted({(one.after, one.through) for one in task.sums}):
            wanted = [one for one in task.sums if (one.after, one.through) == (after, through)]
            frames.append(
                ft.calculate_feature_matrix(
                    _features(entities, wanted),
                    entities,
                    cutoff_time=cutoff,
                    training_window=ft.Timedelta(through - after, "d"),
                    include_cutoff_time=True,  # the window is then (cutoff - length, cutoff], as ours
                    n_jobs=1,
                    verbose=False,
                )
            )
        frame = pd.concat(frames, axis=1).astype("float64").fillna(0.0)
        _in_whole_units(frame, task).rename_axis("customer_id").reset_index().to_parquet(out, index=False)
        return Found(out, len(rows))

    return run


def _entities(rows: pd.DataFrame) -> Any:
    made = rows.assign(row=range(len(rows)), on=EPOCH + pd.to_timedelta(rows["day"], unit="D")).drop(columns="day")
    entities = ft.EntitySet("bank")
    entities.add_dataframe(made, "transactions", index="row", time_index="on", logical_types=_types(made))
    customers = pd.DataFrame({"customer_id": sorted(rows["customer_id"].unique())})
    entities.add_dataframe(customers, "customers", index="customer_id")
    entities.add_relationship("customers", "customer_id", "transactions", "customer_id")
    return entities


def _types(rows: pd.DataFrame) -> dict[str, str]:
    texts = ("channel", "category", "counterparty_kind")
    return {name: "Categorical" for name in texts if name in rows} | {"direction": "Integer", "elsewhere": "Integer"}


def _features(entities: Any, wanted: list[Wanted]) -> list[Any]:
    """One feature per sum; equal filters are one boolean feature of a transaction."""
    filters = {key(one.where): None if one.where is None else _filter(entities, one.where) for one in wanted}
    made = []
    for one in wanted:
        how, column = (Sum, "amount") if one.how == "sum" else (Count, "row")
        of = ft.Feature(entities["transactions"].ww[column])
        feature = ft.Feature(of, parent_dataframe_name="customers", primitive=how, where=filters[key(one.where)])
        made.append(feature.rename(one.name))
    return made


def _filter(entities: Any, tree: list[Any]) -> Any:
    if tree[0] in ("and", "or"):
        whole = _filter(entities, tree[1])
        for part in tree[2:]:
            whole = ft.Feature([whole, _filter(entities, part)], primitive=And if tree[0] == "and" else Or)
        return whole
    return SIGNS[tree[1]](ft.Feature(entities["transactions"].ww[tree[0]]), tree[2])


def _in_whole_units(frame: pd.DataFrame, task: Task) -> pd.DataFrame:
    money = [one.name for one in task.sums if one.is_money]
    return frame.assign(**{name: frame[name] / task.minor for name in money})
