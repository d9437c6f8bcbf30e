"""The large tables, month by month: movements, closing balances, visits, states of loans."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sources.demo.catalogue import MARK, MARKS
from sources.demo.chance import Ints, chance
from sources.demo.columns import decimals, numbers, texts
from sources.demo.delivery import Plan
from sources.demo.ledger import Movements, day_ends
from sources.demo.loans import LOAN_PARTY
from sources.demo.seasons import Month
from sources.demo.world import World, alive

BANKS = ("中国农业银行", "中国工商银行", "中国建设银行", "中国邮政储蓄银行", "中国银行", "长沙银行", "招商银行")
NEXT_DAY = 1 / 20_000  # of payments by phone, recorded a day late
PART = 1 << 20  # rows that are printed at a time
CLASSES = ("1", "2", "3", "4", "5")
KINDS = ("own", "person", "firm", "platform", "government")
ELSEWHERE = np.array([mark.elsewhere for mark in MARKS])
OWN = np.array([mark.whom == "own" for mark in MARKS])
CHANNELS = sorted({mark.channel for mark in MARKS})


def account_numbers(account: Ints) -> Ints:
    """Nineteen digits by account: card numbers of the bank, the last a sum of the others."""
    return np.asarray(6_231_139_000_000_000_000 + account * 10 + (account * 7 + 3) % 10, dtype=np.int64)


def loan_numbers(row: Ints) -> Ints:
    """The number of a loan."""
    return np.asarray(2_039_000_000_000 + row, dtype=np.int64)


def day_column(world: World, day: Ints) -> pa.Array:
    """Day numbers as dates."""
    epoch = (np.datetime64(world.at.first, "D") - np.datetime64("1970-01-01")).astype(np.int64)
    return pa.array((day + epoch).astype(np.int32)).view(pa.date32())


def write_movements(world: World, plan: Plan, month: Month, moves: Movements) -> None:
    """A month's movements as the core's day book has them: unsigned amounts and a mark, in order of time."""
    rng = chance(world.seed, "movements", month.index)
    party, bank = _other_side(world, moves, rng)
    late = _late(moves, month, rng, world)
    world.dirt["late_year_end"] = world.dirt.get("late_year_end", 0) + int((late > 1).sum())

    def part(first: int) -> tuple[dict[str, pa.Array], Ints]:
        rows = slice(first, first + PART)
        return _printed(world, month, moves, first, party[rows], bank[rows], late[rows]), (moves.day + late)[rows]

    plan.pour("DEP_JYLS", month.name, map(part, range(0, max(1, len(moves.account)), PART)))


def _printed(
    world: World, month: Month, moves: Movements, first: int, party: Ints, bank: Ints, late: Ints
) -> dict[str, pa.Array]:
    """The columns of a part of a month's day book, from row `first` on."""
    rows, front = slice(first, first + len(party)), (month.year * 100 + month.month) * 1_000_000_000 + 1
    mark, day, amount = moves.mark[rows], moves.day[rows], moves.amount[rows]
    epoch = (np.datetime64(world.at.first, "s") - np.datetime64("1970-01-01T00:00:00")).astype(np.int64)
    reverses = moves.reverses[rows]
    whom = np.array([KINDS.index(m.whom) if m.whom else -1 for m in MARKS])[mark]
    return {
        "LSH": numbers(front + first + np.arange(len(party))),
        "ZH": numbers(account_numbers(moves.account[rows])),
        "JYRQ": day_column(world, day),
        "JYSJ": pa.array(epoch + day * 86_400 + moves.second[rows]).view(pa.timestamp("s")),
        "JDBZ": texts(("D", "C"), (amount > 0).astype(np.int64)),
        "JYJE": decimals(np.abs(amount)),
        "ZHYE": decimals(moves.after[rows]),
        "ZYDM": texts([m.code for m in MARKS], mark),
        "ZYSM": texts([m.text for m in MARKS], mark),
        "QDDM": texts(CHANNELS, np.array([CHANNELS.index(m.channel) for m in MARKS])[mark]),
        "DFZH": numbers(party, party == 0),
        "DFHM": texts(BANKS, bank),
        "DFLX": texts(("1", "2", "3", "4", "5"), whom),
        "JYFQ": texts(("1", "2"), np.array([int(m.by) - 1 for m in MARKS])[mark]),
        "YLSH": numbers(front + np.maximum(reverses, 0), reverses < 0),
        "LRRQ": day_column(world, day + late),
    }


def _other_side(world: World, moves: Movements, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Numbers and banks of the other side: accounts and loans here, platforms' shops, accounts elsewhere."""
    party = np.where(
        moves.party >= LOAN_PARTY,
        loan_numbers(moves.party - LOAN_PARTY),
        np.where(moves.party > 0, account_numbers(moves.party - 1), np.where(moves.party < 0, 880_000_000 - moves.party, 0)),
    )
    away = ELSEWHERE[moves.mark] & (moves.party == 0)
    own = OWN[moves.mark]
    holder = np.minimum(moves.account, len(world.people) - 1)
    party = np.where(away & own, 6_228_480_000_000_000_000 + holder * 1_000 + 7, party)
    party = np.where(away & ~own, 6_217_000_000_000_000_000 + rng.integers(0, 50_000, len(party)) * 1_000 + 3, party)
    bank = np.where(away, np.where(own, holder * 31 % len(BANKS), rng.integers(0, len(BANKS), len(party))), -1)
    return party, bank


def _late(moves: Movements, month: Month, rng: np.random.Generator, world: World) -> Ints:
    """A few platform payments of 31 December come a week or two late, as every year; now and then one comes the day after."""
    late = np.zeros(len(moves.account), dtype=np.int64)
    paid = np.flatnonzero((moves.mark == MARK["KJZF"]) & (moves.day < world.at.days - 1))
    late[paid[rng.random(len(paid)) < NEXT_DAY]] = 1
    if month.month == 12 and month.days == 31 and month.end + 20 < world.at.days:
        hit = (moves.day == month.end) & (moves.mark == MARK["KJZF"]) & (rng.random(len(late)) < 0.12)
        late[hit] = rng.integers(7, 18, int(hit.sum()))
    return late


def write_balances(world: World, plan: Plan, month: Month, moves: Movements) -> None:
    """A month's closing balances, a row where one has changed."""
    account, day, after = day_ends(moves)
    plan.pour(
        "DEP_ZHYE",
        month.name,
        [({"ZH": numbers(account_numbers(account)), "RQ": day_column(world, day), "YE": decimals(after)}, day)],
    )


def write_opening(world: World, plan: Plan) -> None:
    """Balances on the eve of the first day, of the accounts there are."""
    opened = np.concatenate([world.people.opened, world.accounts["opened"]])
    account = np.flatnonzero(opened < 0)
    eve = world.at.date(-1)
    plan.pour(
        "DEP_ZHYE",
        f"{eve.year}{eve.month:02d}",
        [
            (
                {
                    "ZH": numbers(account_numbers(account)),
                    "RQ": day_column(world, np.full(len(account), -1)),
                    "YE": decimals(world.ledger.balance[account]),
                },
                np.full(len(account), -1),
            )
        ],
    )


def write_visits(world: World, plan: Plan, month: Month) -> None:
    """Logins and visits without money: they thin out as people grow distant."""
    rng, p = chance(world.seed, "visits", month.index), world.people
    here = alive(world, month) & (p.twin_of < 0)
    distance = world.temper.distance[:, month.index]
    users = here & (world.mobile_from < month.start) & ~world.idle_phone
    logins = np.where(users, 0.32 * np.exp(0.35 * p.digital.clip(-2, 2) - 0.45 * np.maximum(distance, -0.5)), 0.0) * np.where(
        world.gone, 0.1, 1
    )
    wechat = np.where(here & p.engaged & (p.digital > 0.4), 0.05 * np.exp(-0.3 * np.maximum(distance, 0)), 0.0)
    counter = np.where(here & p.engaged, 0.012 * np.exp(0.2 * (p.age > 55)), 0.0) * np.where(world.gone, 0.3, 1)
    who, day, channel, count = [], [], [], []
    for code, rate in enumerate((logins, wechat, counter)):
        active = np.flatnonzero(rate > 0)
        visits = rng.poisson(np.repeat(rate[active][:, None], month.days, axis=1))
        row, column = np.nonzero(visits)
        who.append(active[row])
        day.append(month.start + column)
        channel.append(np.full(len(row), code))
        count.append(visits[row, column])
    persons, when, where, times = (np.concatenate(x) for x in (who, day, channel, count))
    order = np.lexsort((where, persons, when))
    plan.pour(
        "CHN_HYD",
        month.name,
        [
            (
                {
                    "KHH": texts(p.ids, persons[order]),
                    "RQ": day_column(world, when[order]),
                    "QD": texts(("M", "W", "G"), where[order]),
                    "CS": pa.array(times[order]),
                },
                when[order],
            )
        ],
    )


def write_loan_states(world: World, plan: Plan, month: Month, seen: int) -> int:
    """A month's changes of loans' states; states of the eve come with the first month."""
    s = world.status.columns
    now = (s["day"] <= month.end) & (s["day"] >= (month.start if month.index else -1_000_000))
    rows = np.flatnonzero(now)
    rows = rows[np.lexsort((s["loan"][rows], s["day"][rows]))]
    plan.pour(
        "CRD_DKZT",
        month.name,
        [
            (
                {
                    "DKH": numbers(loan_numbers(s["loan"][rows])),
                    "RQ": day_column(world, s["day"][rows]),
                    "BJYE": decimals(s["outstanding"][rows]),
                    "YQTS": pa.array(s["overdue_days"][rows]),
                    "YQJE": decimals(s["overdue"][rows]),
                    "WJFL": texts(CLASSES, s["grade"][rows]),
                },
                s["day"][rows],
            )
        ],
    )
    return seen + len(rows)
