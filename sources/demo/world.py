"""The state of the demo bank while its months go by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from sources.demo.catalogue import POSTED, RATE_STEPS
from sources.demo.chance import Bools, Floats, Ints
from sources.demo.counts import Counts
from sources.demo.ledger import Ledger
from sources.demo.network import Network
from sources.demo.people import People
from sources.demo.seasons import NEVER as NEVER
from sources.demo.seasons import Month, Span
from sources.demo.temper import Temper

YUAN = 100  # fen


@dataclass
class Rows:
    """Rows that grow month by month: name -> column."""

    columns: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, **columns: np.ndarray | int | float | str) -> Ints:
        """Append rows; scalars are repeated. The new rows' numbers."""
        size = max(len(x) for x in columns.values() if isinstance(x, np.ndarray))
        wide = {name: np.broadcast_to(np.asarray(x), size) for name, x in columns.items()}
        first = len(self)
        self.columns = {name: np.concatenate([self.columns[name], x]) if self.columns else x.copy() for name, x in wide.items()}
        return np.arange(first, first + size, dtype=np.int64)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name] if self.columns else np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0


@dataclass
class World:
    """Everything that changes. Arrays by customer unless named otherwise; money in fen, days as day numbers."""

    seed: int
    at: Span
    wanted: Counts  # on the last day
    began: Counts  # on the eve of the first
    people: People
    network: Network
    temper: Temper
    ledger: Ledger
    target: Floats  # what they mean to keep on the current account
    usual: Floats  # what they meant to keep at first, and come back to
    current: Ints  # number of the current account
    wage_here: Bools
    wage_lost: Ints  # month in which the payroll stopped coming, -99: never
    leaving_from: Ints  # day the leaving began, NEVER
    leaving_until: Ints
    left_on: Ints  # day on which the last leaving, or spending, was done; -NEVER: never
    gone: Bools
    spending: Bools  # on the way out because it is spent, not because they leave
    mobile_from: Ints
    acquiring_from: Ints
    agreed: Ints  # number of a firm's agreed deposit, -1: none
    consent: Ints  # to marketing: 1 given, 0 refused, -1 never asked
    idle_phone: Bools  # has mobile banking and does not use it
    dead_from: Ints
    toll_from: Ints
    worked: Ints  # month of the last contact per offer, rows by offer
    saver: Bools  # has, or has had, money on term
    to_save: Floats  # fen to be put on term this month
    parked: Floats  # fen brought for the quarter's last day, to go out again
    spared: Bools  # their story must not be crossed by chance
    told: Bools  # a story is told of them: they keep their account
    shut_on: Ints  # day on which the last account was closed, NEVER
    cumulated: Floats  # fen-days on the current account since the last interest
    arriving: tuple[Ints, Floats] | None = None  # who parks how much this month
    accounts: Rows = field(default_factory=Rows)
    terms: Rows = field(default_factory=Rows)
    funds: Rows = field(default_factory=Rows)
    facilities: Rows = field(default_factory=Rows)
    loans: Rows = field(default_factory=Rows)
    status: Rows = field(default_factory=Rows)
    holdings: Rows = field(default_factory=Rows)
    contacts: Rows = field(default_factory=Rows)
    events: Rows = field(default_factory=Rows)  # what truly happened
    intercepts: dict[str, float] = field(default_factory=dict)
    dirt: dict[str, int] = field(default_factory=dict)
    dirty_keys: dict[str, list[str]] = field(default_factory=dict)
    stories: dict[str, dict[str, object]] = field(default_factory=dict)
    sums: dict[tuple[str | int, ...], Floats] | None = None  # what is kept while nothing moves; see `still`

    def rate(self, product: str, day: int) -> float:
        """The posted rate a year of a product on a day."""
        return float(self.rates(product, np.array([day]))[0])

    def rates(self, product: str, day: Ints) -> Floats:
        """The posted rates a year of a product on days."""
        step = np.searchsorted(np.array(RATE_STEPS), day / self.at.days, side="right") - 1
        out: Floats = np.array(POSTED[product])[np.maximum(step, 0)] / 100
        return out

    def event(self, who: Ints, day: Ints | int, kind: str) -> None:
        """Note that something truly happened."""
        if len(who):
            self.events.add(who=who, day=np.broadcast_to(np.asarray(day), len(who)).astype(np.int64), kind=kind)

    @contextmanager
    def still(self) -> Iterator[None]:
        """While nothing moves, what everybody has is summed once."""
        self.sums = {}
        try:
            yield
        finally:
            self.sums = None

    def _once(self, what: tuple[str | int, ...], made: Callable[[], Floats]) -> Floats:
        if self.sums is None:
            return made()
        if what not in self.sums:
            self.sums[what] = made()
            self.sums[what].setflags(write=False)
        return self.sums[what]

    def term_money(self) -> Floats:
        """Money in running terms, by customer."""
        return self._once(("terms",), lambda: self._running(self.terms))

    def fund_money(self) -> Floats:
        """Money in wealth, insurance and bonds, by customer."""
        return self._once(("funds",), lambda: self._running(self.funds))

    def _running(self, rows: Rows) -> Floats:
        running = rows["ended"] == NEVER
        return np.bincount(rows["owner"][running], rows["amount"][running], len(self.people)).astype(np.float64)

    def assets(self) -> Floats:
        """Financial assets here, by customer."""
        return self._once(("all",), lambda: self.ledger.balance[self.current] + self.term_money() + self.fund_money())

    def due(self, first: int, last: int) -> Floats:
        """Share of a customer's assets whose term matures in these days."""

        def share() -> Floats:
            hit = (self.terms["ended"] == NEVER) & (self.terms["matures"] >= first) & (self.terms["matures"] <= last)
            money = np.bincount(self.terms["owner"][hit], self.terms["amount"][hit], len(self.people))
            out: Floats = money / np.maximum(self.assets(), 1.0)
            return out

        return self._once(("due", first, last), share)


def recent(world: World, offer: int, m: int) -> Bools:
    """Whose contact about an offer still works in month m: for three months after the month of the contact."""
    since = m - world.worked[offer]
    out: Bools = (since >= 0) & (since <= 2)
    return out


def alive(world: World, month: Month) -> Bools:
    """People with a number in this month who have neither died nor closed it."""
    out: Bools = (world.people.opened <= month.start) & (world.dead_from > month.end) & (world.shut_on > month.end)
    out[world.people.persons :] = False
    return out
