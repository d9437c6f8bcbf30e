"""A month of loans: served on the 20th, late, cured, renewed, repaid."""

from __future__ import annotations

import numpy as np

from sources.demo import keeping
from sources.demo.chance import Ints, chance, evenly
from sources.demo.facilities import village_lines
from sources.demo.loans import (
    ANNUITY,
    KINDS,
    LOAN_PARTY,
    MONTHLY,
    QUARTERLY,
    disburse,
    grant,
    write_status,
    write_status_changes,
)
from sources.demo.seasons import Month
from sources.demo.stories import told_of
from sources.demo.world import NEVER, World, alive


def serve(world: World, month: Month) -> None:
    """A month's interest, instalments, maturities, arrears and cures."""
    rng, loans = chance(world.seed, "lending", month.index), world.loans
    if month.month == 5 and month.days > 20:
        village_lines(world, month.start + 14, 0.22)
    running = np.flatnonzero((loans["closed"] == NEVER) & (loans["granted"] < month.start))
    _cure(world, month, running, rng)
    stress = np.exp(0.7 * world.temper.need[loans["owner"][running], month.index] + 0.2 * loans["watch"][running])
    slips = evenly(rng, 0.0105 * stress * (loans["late"][running] == NEVER))
    _due(world, month, running, slips)
    _mature(world, month, rng)
    _prepay(world, month)
    _borrow_again(world, month)
    end = np.flatnonzero((loans["closed"] == NEVER) & (loans["late"] < month.end))
    write_status(world, end, np.full(len(end), month.end))
    write_status_changes(world)


def _pay(world: World, rows: Ints, day: Ints, interest: Ints, principal: Ints) -> None:
    account = world.current[world.loans["owner"][rows]]
    world.ledger.post(account, day, 16 * 3600, -interest, "HKLX", party=LOAN_PARTY + rows, must=True)
    world.ledger.post(account, day, 16 * 3600 + 5, -principal, "HKBJ", party=LOAN_PARTY + rows, must=True)
    world.loans["outstanding"][rows] -= principal


def _due(world: World, month: Month, running: Ints, slips: np.ndarray) -> None:
    loans = world.loans
    if month.days < 20:
        return
    day = month.start + 19
    kind = loans["kind"][running]
    now = (kind == ANNUITY) | (kind == MONTHLY) | ((kind == QUARTERLY) & (month.month % 3 == 0))
    now &= loans["closed"][running] == NEVER  # some were cured and closed a moment ago
    now &= (loans["matures"][running] < month.start) | (loans["matures"][running] > month.end)  # see _mature
    rows, slip = running[now], slips[now]
    interest = np.rint(loans["outstanding"][rows] * loans["rate"][rows] * (day - loans["served"][rows]).clip(0) / 360).astype(
        np.int64
    )
    principal = np.where(
        loans["kind"][rows] == ANNUITY, np.clip(loans["instalment"][rows] - interest, 0, loans["outstanding"][rows]), 0
    )
    loans["served"][rows] = day
    pays = ~slip & (loans["late"][rows] == NEVER)
    _pay(world, rows[pays], np.full(int(pays.sum()), day), interest[pays], principal[pays])
    loans["closed"][rows[pays & (loans["outstanding"][rows] == 0)]] = day  # the last instalment
    write_status(world, rows[pays & (principal > 0)], np.full(int((pays & (principal > 0)).sum()), day))
    loans["owed"][rows[~pays]] += interest[~pays]
    loans["owed_principal"][rows[~pays]] += principal[~pays]
    loans["owed_principal"][rows] = np.minimum(loans["owed_principal"][rows], loans["outstanding"][rows])
    begins = rows[slip & (loans["late"][rows] == NEVER)]
    loans["late"][begins] = day
    write_status(world, begins, np.full(len(begins), day + 1 if day < month.end else day))


def _cure(world: World, month: Month, running: Ints, rng: np.random.Generator) -> None:
    loans = world.loans
    due_now = (loans["matures"][running] >= month.start) & (loans["matures"][running] <= month.end)  # see _mature
    late = running[(loans["late"][running] != NEVER) & ~due_now]
    age = month.start - loans["late"][late]
    done = late[evenly(rng, np.where(age < 60, 0.5, np.where(age < 180, 0.11, 0.07)))]
    day = month.start + rng.integers(2, max(3, min(18, month.days)), len(done))
    principal = np.minimum(loans["owed_principal"][done], loans["outstanding"][done])
    ripe = loans["matures"][done] < month.start
    principal = np.where(ripe, loans["outstanding"][done], principal)
    _pay(world, done, day, loans["owed"][done], principal)
    loans["owed"][done], loans["owed_principal"][done], loans["late"][done] = 0, 0, NEVER
    empty = loans["outstanding"][done] == 0
    loans["closed"][done[empty]] = day[empty]
    write_status(world, done, day)


def _prepay(world: World, month: Month) -> None:
    """Loans repaid before their time: after the harvest, from savings, by a cheaper loan elsewhere.

    As many borrowers end so as bring the count of borrowers to where the month's end shall see it.
    """
    rng, loans = chance(world.seed, "lending", "prepay", month.index), world.loans
    often = np.where(loans["family"] == "mortgage", 0.008, np.where(loans["family"] == "farmer_credit", 0.045, 0.032))
    mine = (loans["closed"] == NEVER) & (loans["family"] != "corporate_loan")
    mine &= ~np.isin(loans["owner"], told_of(world, "guarantor_ring"))
    free = (
        mine
        & ~world.told[loans["owner"]]
        & (loans["late"] == NEVER)
        & (loans["granted"] < month.start - 60)
        & (loans["matures"] > month.end + 30)
    )
    turn = -np.log(rng.random(len(loans))) / often + np.where(free, 0, 1e3)  # others only where too few are free
    only = keeping.single(world)
    only = only[mine[only] & (loans["granted"][only] < month.start)]
    ends = only[np.argsort(turn[only], kind="stable")][: max(0, keeping.too_many_borrowers(world, month, firms=False))]
    besides = np.setdiff1d(np.flatnonzero(free & (rng.random(len(loans)) < often)), only)
    rows = np.sort(np.concatenate([ends, besides]))
    day = month.start + np.minimum(rng.integers(20, 27, len(rows)), month.days - 1)  # after the 20th, when interest is due
    interest = np.rint(loans["outstanding"][rows] * loans["rate"][rows] * (day - loans["served"][rows]).clip(0) / 360)
    _pay(world, rows, day, interest.astype(np.int64) + loans["owed"][rows], loans["outstanding"][rows].copy())
    loans["owed"][rows], loans["owed_principal"][rows], loans["late"][rows] = 0, 0, NEVER
    loans["closed"][rows] = day
    write_status(world, rows, day)


def _borrow_again(world: World, month: Month) -> None:
    """Where there are too few borrowers, some who have repaid borrow once more, students borrow, and firms take turns."""
    p, loans, rng = world.people, world.loans, chance(world.seed, "lending", "again", month.index)
    owes, here = keeping.borrowing(world), alive(world, month) & ~world.told & (world.leaving_from == NEVER)
    before = np.zeros(len(p), dtype=np.int64)
    before[loans["owner"]] = np.arange(1, len(loans) + 1)  # the last loan of each
    again = here & ~owes & (before > 0) & (p.age < 66) & ~world.gone
    student = here & ~owes & (before == 0) & (p.age < 26) & (p.age >= 17) & (p.twin_of < 0)
    lacks = max(0, -keeping.too_many_borrowers(world, month, firms=False))
    who = rng.permutation(np.flatnonzero(again))[:lacks]
    young = rng.permutation(np.flatnonzero(student))[: lacks - len(who)]
    firm = np.flatnonzero(~owes & (np.arange(len(p)) >= p.persons))
    firm = rng.permutation(firm)[: max(0, -keeping.too_many_borrowers(world, month, firms=True))]
    family = loans["family"][before[who] - 1]
    groups = [(name, who[family == name]) for name in KINDS] + [("student_loan", young), ("corporate_loan", firm)]
    for name, borrowers in groups:
        if len(borrowers):
            day = month.start + rng.integers(0, month.days, len(borrowers))
            disburse(world, grant(world, np.sort(borrowers), day, name, rng), rng, month)


def _mature(world: World, month: Month, rng: np.random.Generator) -> None:
    """What falls due in full: repaid, renewed by a new loan, or late."""
    loans = world.loans
    rows = np.flatnonzero(
        (loans["closed"] == NEVER)
        & (loans["matures"] >= month.start)
        & (loans["matures"] <= month.end)
        & (loans["granted"] < month.start)
    )
    day, who = loans["matures"][rows], loans["owner"][rows]
    interest = np.rint(loans["outstanding"][rows] * loans["rate"][rows] * (day - loans["served"][rows]).clip(0) / 360).astype(
        np.int64
    )
    loans["served"][rows] = np.maximum(day, loans["served"][rows])
    late = (loans["late"][rows] != NEVER) | (rng.random(len(rows)) < 0.03)
    loans["late"][rows[late]] = np.minimum(loans["late"][rows[late]], day[late])
    loans["owed"][rows[late]] += interest[late]
    loans["owed_principal"][rows[late]] = loans["outstanding"][rows[late]]
    ends = ~late
    rows, day, who, interest = rows[ends], day[ends], who[ends], interest[ends]
    again = (loans["kind"][rows] != ANNUITY) & (
        rng.random(len(rows)) < np.where(loans["family"][rows] == "corporate_loan", 0.8, 0.38)
    )
    for family in KINDS:
        pick_ = again & (loans["family"][rows] == family)
        if pick_.any():
            old = rows[pick_]
            new = grant(world, who[pick_], day[pick_], family, rng, previous=old, amount=loans["outstanding"][old])
            loans = world.loans
            loans["facility"][new] = loans["facility"][old]
            world.ledger.post(world.current[who[pick_]], day[pick_], 36_000, loans["amount"][new], "FK", party=LOAN_PARTY + new)
            write_status(world, new, day[pick_])
    _pay(world, rows, day, interest, loans["outstanding"][rows].copy())
    loans["closed"][rows] = day
    write_status(world, rows, day)
    back = rows[~again & (loans["family"][rows] == "farmer_credit") & (rng.random(len(rows)) < 0.5)]
    when = loans["matures"][back] + rng.integers(3, 26, len(back))
    soon = when <= month.end
    if soon.any():
        new = grant(world, loans["owner"][back[soon]], when[soon], "farmer_credit", rng, amount=loans["amount"][back[soon]])
        world.loans["facility"][new] = world.loans["facility"][back[soon]]
        disburse(world, new, rng, month)
