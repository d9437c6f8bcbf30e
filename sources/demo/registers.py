"""The register of customers as the core keeps it: one row per customer and change of what it overwrites."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sources.demo import dirt
from sources.demo.chance import Ints, chance
from sources.demo.columns import days, flags, known, one_of, put, texts
from sources.demo.delivery import Drop
from sources.demo.files import write_delimited
from sources.demo.groups import FARMER, MERCHANT, MIGRANT, OTHER, PAYROLL, PENSIONER, PUBLIC
from sources.demo.world import NEVER, World

TRADES = {
    FARMER: ("农林牧渔业生产人员", "农业"),
    MIGRANT: ("外出务工人员", "建筑业"),
    MERCHANT: ("个体工商户", "批发和零售业"),
    PAYROLL: ("企业职工", "制造业"),
    PUBLIC: ("机关事业单位人员", "教育"),
    PENSIONER: ("退休人员", ""),
    OTHER: ("学生", ""),
}
LANDLINE = "07386300011"


def write_customers(world: World, drop: Drop) -> None:
    """KHXX: base rows, then a row for every change of manager, rating, status or stage, with the day from which it holds."""
    rng, p = chance(world.seed, "registers"), world.people
    n = len(p)
    persons = np.arange(n) < p.persons
    here = np.flatnonzero(p.opened < world.at.days)
    changes = _changes(world, rng)
    who = np.concatenate([here, *(np.flatnonzero((day > p.opened) & (day < world.at.days)) for day, _, _ in changes)])
    when = np.concatenate(
        [np.full(len(here), -NEVER), *(day[(day > p.opened) & (day < world.at.days)] for day, _, _ in changes)]
    )
    pairs = np.unique(np.stack([who, when], axis=1), axis=0)
    who, when = pairs[:, 0], pairs[:, 1]
    manager, rating, status, stage = (np.where(day[who] <= when, new[who], old[who]) for day, old, new in changes)
    rated = np.where((rating != "") & persons[who], changes[1][0][who], NEVER)
    rated = np.where(changes[1][0][who] < 0, changes[1][0][who], rated)
    first = when == -NEVER
    cell = _cells(world, rng)
    broken = dirt.some(world, "name_bytes_broken", np.flatnonzero(first & persons[who]), 0.002, p.ids.take(who))
    world.dirty_keys["name_bytes_broken"].sort()
    for name in ("identity_15_digits", "birth_1900", "gender_against_identity", "branch_phone"):
        dirty = pa.array(world.dirty_keys[name], pa.string())  # the same cell stands in every version of a customer
        world.dirt[name] = pc.sum(pc.is_in(p.ids.take(who), dirty)).as_py()
    kind = _kinds(world)
    staff, related = staff_of(world)
    columns = [
        p.ids.take(who),
        pc.utf8_rpad(cell["name"].take(who), 12),
        cell["identity"].take(who),
        cell["phone"].take(who),
        kind.take(who),
        one_of(stage),
        one_of(status),
        days(world.at.dates(p.opened[who])),
        cell["birth"].take(who),
        cell["gender"].take(who),
        cell["occupation"].take(who),
        cell["industry"].take(who),
        cell["education"].take(who),
        texts(world.network.branch_ids, p.branch[who]),
        texts(world.network.manager_ids, manager.astype(np.int64)),
        texts(world.network.grid_ids, p.grid[who]),
        known(one_of(rating).cast(pa.string()), rated != NEVER),
        days(world.at.dates(np.minimum(rated, world.at.days)), rated == NEVER),
        flags(np.isin(who, sorted(staff))),
        flags(np.isin(who, sorted(related))),
        days(world.at.dates(np.maximum(when, -NEVER // 10)), first),
    ]
    rows = drop.rows(np.where(first, p.opened[who], when))
    write_delimited(drop.folder, f"CIF_KHXX_{drop.stamp}", columns, "|+|", rows=rows, broken=broken)


def staff_of(world: World) -> tuple[set[int], set[int]]:
    """Customers who work here, and related parties."""
    rng, p = chance(world.seed, "registers", "staff"), world.people
    able = np.flatnonzero((p.opened < 0) & (p.age > 22) & (p.age < 60) & (p.twin_of < 0) & (np.arange(len(p)) < p.persons))
    found = rng.permutation(able)
    count = max(1, round(0.003 * len(p)))
    return set(found[:count].tolist()), set(found[count : count + max(1, count // 10)].tolist())


def frozen_of(world: World) -> Ints:
    """Customers whose account a court has frozen."""
    p = world.people
    able = np.flatnonzero((np.arange(len(p)) < p.persons) & (p.opened < 0) & (p.twin_of < 0) & (world.dead_from == NEVER))
    return np.sort(chance(world.seed, "registers", "frozen").permutation(able)[: max(1, round(0.001 * len(p)))])


def _changes(world: World, rng: np.random.Generator) -> tuple[tuple[Ints, np.ndarray, np.ndarray], ...]:
    """(day of the change, before, after) of manager, rating, status and stage; NEVER where nothing changes."""
    p, n, last = world.people, len(world.people), world.at.days
    handed = (p.manager >= 0) & (rng.random(n) < 0.14)
    manager_day = np.where(handed, rng.integers(20, last, n), NEVER)
    earlier = np.where(handed, rng.integers(0, world.network.relationship, n), p.manager)
    rates = (np.arange(n) < p.persons) & (rng.random(n) < np.where(p.wealth > 20_000, 0.55, 0.05)) & (p.age > 18)
    rating_day = np.where(rates, rng.integers(-250, last - 1, n), NEVER)
    level = np.array(["R1", "R2", "R3", "R4"])[
        np.clip(np.rint(1.1 + 0.7 * p.shopper - 0.02 * (p.age - 45)), 0, 3).astype(np.int64)
    ]
    rating_day = np.where((rating_day < 0) & (rating_day <= p.opened), p.opened + 1, rating_day)
    none = np.full(n, "", dtype="U2")
    frozen = np.zeros(n, dtype=bool)
    frozen[frozen_of(world)] = True
    asleep = ~p.engaged & (p.wealth < 300)
    status = np.where(asleep, "2", "1").astype("U1")
    gone = np.where(world.dead_from < last, world.dead_from + 16, NEVER)
    status_day = np.where(gone < last, np.maximum(gone, p.opened + 1), np.where(frozen, rng.integers(1, last, n), NEVER))
    after = np.where(gone < last, "3", np.where(frozen, "4", status)).astype("U1")
    before_rating = np.where(rating_day < 0, level, none)
    found = (
        (manager_day, earlier, p.manager),
        (rating_day, before_rating, np.where(rates, level, none)),
        (status_day, status, after),
    )
    # nothing is changed any more once the last account is closed: then the person is a former customer
    kept = tuple((np.where(day < world.shut_on, day, NEVER), old, new) for day, old, new in found)
    return (*kept, (world.shut_on, np.full(n, "2"), np.full(n, "3")))


def _kinds(world: World) -> pa.Array:
    """1 person, 2 sole trader, 3 cooperative, 4 village collective, 5 institution, 6 corporate."""
    p, rng = world.people, chance(world.seed, "registers", "kinds")
    trader = (p.group == MERCHANT) & (rng.random(len(p)) < 0.3)
    firm = np.array(["6", "3", "4", "5", "6"])[(np.arange(len(p)) - p.persons) % 5]
    return one_of(np.where(np.arange(len(p)) >= p.persons, firm, np.where(trader, "2", "1")))


def _cells(world: World, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Personal columns by customer, with their dirt."""
    p, ids = world.people, world.people.ids
    firm = np.arange(len(p)) >= p.persons
    persons = np.flatnonzero(~firm & (p.opened < world.at.days))
    other = rng.random(len(p)) < 0.4
    trades, industries = ([TRADES[group][place] for group in range(len(TRADES))] for place in (0, 1))
    school = np.clip(np.rint(2.2 - (p.age - 40) / 18 + 0.5 * p.digital + (p.group == PUBLIC)), 0, 4).astype(np.int64)
    cell = {
        "name": p.names,
        "identity": p.identities,
        "phone": p.phones,
        "birth": days(p.born, firm),
        "gender": texts(("1", "2", ""), np.where(firm, 2, p.woman.astype(np.int64))),
        "occupation": texts([*trades, "其他", ""], np.where(firm, len(trades) + 1, np.where(other, len(trades), p.group))),
        "industry": texts([*industries, ""], p.group),
        "education": texts(("小学", "初中", "高中", "大专", "本科", ""), np.where(firm, 5, school)),
    }
    short = dirt.some(world, "identity_15_digits", persons, 0.003, ids)
    cell["identity"] = put(cell["identity"], short, [x[:6] + x[8:17] for x in cell["identity"].take(short).to_pylist()])
    unborn = dirt.some(world, "birth_1900", persons, 0.003, ids)
    cell["birth"] = put(cell["birth"], unborn, ["19000101"] * len(unborn))
    other_sex = dirt.some(world, "gender_against_identity", persons, 0.002, ids)
    cell["gender"] = put(cell["gender"], other_sex, ["1" if woman else "2" for woman in p.woman[other_sex]])
    with_phone = persons[p.reachable[persons]]
    shared = dirt.some(world, "branch_phone", with_phone, min(300 / len(with_phone), 0.015), ids)
    cell["phone"] = put(cell["phone"], shared, [LANDLINE] * len(shared))
    return cell
