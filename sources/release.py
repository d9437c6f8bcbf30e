"""What an intake brings into force: its tables, written whole or as a change, and what it keeps; the manifest comes last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sources.canonical import Canonical, CanonicalManifest, TableState
from sources.change import write_change
from sources.inventory import Counts
from sources.landed import State, TableKept, write_state
from sources.overwrite import Progress, write_canonical
from sources.part import Part
from sources.review import runs
from sources.settings import SourceSettings
from sources.written import buckets_for
from store.limits import Limits

_MOST = ("transactions", "balances")  # tables with most of the rows


@dataclass(frozen=True)
class Release:
    """Tables that passed the gates: `part` has the rows to be written, `tables` what is known of each, `state` the rest."""

    part: Part
    settings: SourceSettings
    tables: Mapping[str, TableKept]
    state: State
    newest: dt.date
    inputs: Mapping[str, str]  # input -> content hash
    say: Progress

    def whole(self, bank: str, currency: str, hashes: tuple[str, str], limits: Limits) -> Canonical:
        """All tables written whole. `hashes`: of the settings and of the code."""
        done = self.part.done
        return write_canonical(
            self.part.con,
            self.part.root / "canonical",
            self._relations,
            bank=bank,
            currency=currency,
            buckets=self.settings.buckets or buckets_for(sum(self.tables[n].rows for n in _MOST if n in self.tables)),
            newest=self.newest,
            inputs=self.inputs,
            config_hash=hashes[0],
            code_hash=hashes[1],
            undated=self._undated,
            single={name for name in self._relations if name in done and not done[name].has_versions},
            intake=self.state.intake,
            counts=self._counts,
            before_manifest=self._keep,
            limits=limits,
            say=self.say,
        )

    def change(self, there: Canonical) -> Canonical:
        """The touched rows brought into the tables in force."""

        def manifest(states: dict[str, TableState]) -> CanonicalManifest:
            new = {"newest_business_date": self.newest, "inputs": dict(self.inputs), "tables": states}
            return there.manifest.model_copy(update=new | {"intake": self.state.intake})

        touched = {name: self.part.touched(name, relation) for name, relation in self._relations.items()}
        return write_change(
            self.part.con,
            there,
            {name: rows for name, rows in touched.items() if rows is not None},
            self.part.owning(),
            manifest,
            self._counts,
            undated=self._undated,
            intake=self.state.intake,
            lanes=self.part.lanes,
            say=self.say,
            before_manifest=self._keep,
        )

    @cached_property
    def _relations(self) -> dict[str, str]:
        return relations_of(self.part, self.settings)

    @property
    def _undated(self) -> dict[str, tuple[str, ...]]:
        return {name: how.undated for name, how in self.settings.tables.items() if how.undated}

    @property
    def _is_derived(self) -> bool:
        return self._relations.get("balances") == "derived_balances"

    @cached_property
    def _counts(self) -> dict[str, Counts]:
        """What each table held before; brought up to date while it is written."""
        counts = {name: self.tables[name].counts for name in self._relations if name in self.tables}
        if self._is_derived:
            kept = self.part.kept
            counts["balances"] = kept.derived if kept and kept.derived else Counts()
        return counts

    def _keep(self) -> None:
        tables = {name: table.model_copy(update={"counts": self._counts[name]}) for name, table in self.tables.items()}
        derived = self._counts["balances"] if self._is_derived else None
        write_state(self.part.root, self.state.model_copy(update={"tables": tables, "derived": derived}))


def relations_of(part: Part, settings: SourceSettings) -> dict[str, str]:
    """Table -> relation of its touched rows, as they are to be written."""
    relations = {name: f"clean_{name}" for name in part.done}
    if runs(part.mapped) and "day_order" not in part.done["transactions"].columns:
        relations["transactions"] = "ordered_transactions"
    if runs(part.mapped) and settings.derived.balances == "transactions":
        relations["balances"] = "derived_balances"
    return relations
