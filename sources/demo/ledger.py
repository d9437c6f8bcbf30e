"""Movements of money: posted by the month, cut to what there is, added up to the fen."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sources.demo.catalogue import MARK
from sources.demo.chance import Floats, Ints, chance
from sources.demo.seasons import Month

DAY_SECONDS = 86_400
NARROW = (np.int32, np.int16, np.int32, np.int64, np.int8, np.int64, np.bool_)  # a month of a county is millions of rows
TOP_UP = ("GMCK", "SJZR", "BRZR")


@dataclass(frozen=True)
class Movements:
    """One month's movements in order of time; `position` is unique and grows with time."""

    account: Ints
    day: Ints
    second: Ints
    amount: Ints  # fen, signed
    mark: Ints
    party: Ints  # number of the other side, 0: none
    after: Ints  # balance of the account right after
    reverses: Ints  # row of this month that is reversed, -1: none


@dataclass
class Ledger:
    """Accounts' balances and the movements posted so far this month."""

    seed: int
    balance: Ints  # by account, at the last month's end
    _parts: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    def open_accounts(self, count: int) -> Ints:
        """Numbers of `count` new accounts, empty."""
        first = len(self.balance)
        self.balance = np.concatenate([self.balance, np.zeros(count, dtype=np.int64)])
        return np.arange(first, first + count, dtype=np.int64)

    def post(
        self,
        account: Ints,
        day: Ints | int,
        second: Ints | int,
        fen: Ints | Floats,
        mark: str | Ints,
        *,
        party: Ints | int = 0,
        must: bool = False,
    ) -> None:
        """Movements to book. Money out that is not there is cut, or, where it `must` be paid, brought first."""
        size = len(account)
        if size == 0:
            return
        code = MARK[mark] if isinstance(mark, str) else mark
        given = (account, day, second, np.rint(fen), code, party, must)
        self._parts.append(
            tuple(np.broadcast_to(np.asarray(x), size).astype(kind) for x, kind in zip(given, NARROW, strict=True))
        )

    def move(
        self, source: Ints, target: Ints, day: Ints | int, second: Ints | int, fen: Ints | Floats, out: str, into: str
    ) -> None:
        """Money from one account here to another, in one step."""
        self.post(source, day, second, -np.rint(fen), out, party=target + 1, must=True)
        self.post(target, day, second, fen, into, party=source + 1)

    def close_month(self, month: Month) -> Movements:
        """Book what was posted in `month`: nobody's balance falls below zero."""
        account, day, second, amount, mark, party, must = (np.concatenate([part[i] for part in self._parts]) for i in range(7))
        self._parts = []
        keep = amount != 0
        order = np.argsort((account.astype(np.int64) * 32 + day - month.start) * DAY_SECONDS + second, kind="stable")
        order = order[keep[order]]
        account, day, second, amount, mark, party, must = (x[order] for x in (account, day, second, amount, mark, party, must))
        lack = self._shortage(account, amount)
        short = np.flatnonzero((lack > 0) & must)
        amount = np.where(must, amount, amount + lack)
        rng = chance(self.seed, "ledger", month.index)
        brings = np.array([MARK[code] for code in TOP_UP])[rng.integers(0, 3, len(short))]
        account, day, second, amount, mark, party = (
            np.insert(x, short, y)
            for x, y in (
                (account, account[short]),
                (day, day[short]),
                (second, second[short]),
                (amount, lack[short]),
                (mark, brings),
                (party, np.zeros(len(short), dtype=np.int64)),
            )
        )
        kept = amount != 0
        rows = self._with_reversals(rng, [x[kept] for x in (account, day, second, amount, mark, party)])
        return self._settle(*rows)

    def _shortage(self, account: Ints, amount: Ints) -> Ints:
        """By how much each movement would take its account below zero, given what was cut or brought before it."""
        total = np.cumsum(amount)
        first = np.flatnonzero(np.r_[True, account[1:] != account[:-1]])
        group = np.cumsum(np.r_[True, account[1:] != account[:-1]]) - 1
        begun = total[first] - amount[first]
        running = total - begun[group] + self.balance[account]
        apart = np.int64(1 << 40)  # more fen than any account sees: keeps accounts apart in one running minimum
        lowest = np.minimum.accumulate(running - group * apart) + group * apart
        brought = np.maximum(0, -lowest)
        return brought - np.where(np.r_[True, account[1:] != account[:-1]], 0, np.r_[0, brought[:-1]])

    def _with_reversals(self, rng: np.random.Generator, rows: list[Ints]) -> list[Ints]:
        """One platform payment in three thousand is reversed a second later."""
        account, day, second, amount, mark, party = rows
        alone = np.r_[(account[1:] != account[:-1]) | (day[1:] != day[:-1]) | (second[1:] > second[:-1] + 2), True]
        paid = np.flatnonzero((mark == MARK["KJZF"]) & alone & (second < DAY_SECONDS - 5))
        back = paid[rng.random(len(paid)) < 1 / 3000]
        reverses = np.full(len(account), -1, dtype=np.int64)
        extra = (account[back], day[back], second[back] + 1, -amount[back], np.full(len(back), MARK["CZ"]), party[back])
        grown = [np.insert(x, back + 1, y) for x, y in zip((account, day, second, amount, mark, party), extra, strict=True)]
        place = back + 1 + np.arange(len(back))
        reverses = np.insert(reverses, back + 1, -1)
        reverses[place] = place - 1
        return [*grown, reverses]

    def _settle(
        self, account: Ints, day: Ints, second: Ints, amount: Ints, mark: Ints, party: Ints, reverses: Ints
    ) -> Movements:
        total = np.cumsum(amount)
        starts = np.r_[True, account[1:] != account[:-1]]
        first = np.flatnonzero(starts)
        after = total - (total[first] - amount[first])[np.cumsum(starts) - 1] + self.balance[account]
        last = np.r_[first[1:] - 1, len(account) - 1]
        self.balance[account[last]] = after[last]
        assert after.min(initial=0) >= 0
        # in order of time; within a second, in order of booking
        order = np.argsort(day.astype(np.int64) * DAY_SECONDS + second, kind="stable")
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        undone = np.where(reverses >= 0, rank[np.maximum(reverses, 0)], -1)
        return Movements(*(x[order].astype(np.int64) for x in (account, day, second, amount, mark, party, after, undone)))


def day_ends(moves: Movements) -> tuple[Ints, Ints, Ints]:
    """Account, day and closing balance of every day on which something moved, by account and day."""
    key = moves.account * 100_000 + moves.day
    order = np.argsort(key, kind="stable")
    last = order[np.r_[key[order][1:] != key[order][:-1], True]]
    return moves.account[last], moves.day[last], moves.after[last]
