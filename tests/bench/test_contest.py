"""A contest compares like with like, in pairs and in turn; ways that answer differently are no contest."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench import table
from bench.answers import Alike, compare
from bench.apart import Lap, Way
from bench.contest import Contest, Pair, Raced, race
from bench.growth import exponent
from bench.place import Place
from store.errors import TerraceError

WAYS = "tests.bench.ways"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "bank.yaml", tmp_path / "home", tmp_path)


def way(name: str, **given: object) -> Way:
    return Way(name, f"{WAYS}:{name}", given)


def of(place: Place, name: str, **figures: float) -> Way:
    """A way that answers one figure for each of these customers."""
    pq.write_table(pa.table({"customer_id": list(figures), "dep_cur": list(figures.values())}), place.work / f"{name}.parquet")
    return Way(name, f"{WAYS}:answers", {"file": f"{name}.parquet"})


def held(pair: Pair, place: Place, rounds: int = 1, before: tuple[Way, ...] = ()) -> Raced:
    return race(Contest("sums", "a sum", (pair,), before), place, rounds, place.work, lambda _: None)[0]


def test_both_ways_of_a_pair_run_in_turn_and_in_the_other_order_the_next_round(place: Place) -> None:
    raced = held(Pair(way("notes", text="a"), way("notes", text="b")), place, 2, (way("notes", text="first of all"),))
    said = (place.work / "log.txt").read_text().splitlines()
    assert said == [f"{when} {text}" for text in ("first of all", "a", "b", "b", "a") for when in ("ready", "run")]
    assert (len(raced.first), len(raced.second), len(raced.ratios)) == (2, 2, 2)
    assert table.parts([raced]) == ["notes, seconds: read 0.25, write 0.75"]
    said = table.as_markdown(Contest("sums", "a sum", (raced.pair,)), [raced])
    assert {"A came in.", "B came in."} <= set(said)  # each once, though there were two rounds
    assert len(said) == len(set(said) - {""}) + said.count("")


def test_a_way_that_nothing_is_held_against_is_told_without_a_ratio(place: Place) -> None:
    raced = held(Pair(way("notes", text="alone")), place)
    (row,) = table.rows([raced])
    assert row[:6] == ("notes", "", "", "", "", "")
    assert "None" not in "".join(row)
    alone = Contest("sums", "a sum", (raced.pair,))
    assert any("seconds" in line for line in table.as_text(alone, [raced]))
    assert table.as_markdown(alone, [raced])[2].startswith("| this | over that |")


def agreed(place: Place, ours: Way, theirs: Way, alike: Alike) -> int:
    """How many figures agree, looked at without a race."""
    return compare(place.work / ours.given["file"], place.work / theirs.given["file"], alike, (ours.name, theirs.name))


def test_answers_that_agree_are_counted_whatever_their_order(place: Place) -> None:
    pair = Pair(of(place, "ours", C1=2.0, C2=5.0), of(place, "theirs", C2=5.0, C1=2.0), Alike())
    assert held(pair, place).agreed == 2


def test_a_figure_that_differs_stops_the_contest_naming_feature_and_customer(place: Place) -> None:
    pair = Pair(of(place, "ours", C1=2.0, C2=2.0, C3=1.0), of(place, "theirs", C3=1.0, C2=3.0, C1=3.0), Alike())
    with pytest.raises(TerraceError, match=r"customer C1: 'ours' and 'theirs'.*dep_cur is 2.0 and 3.0; 2 customers differ"):
        held(pair, place)


def test_a_customer_that_one_answer_lacks_is_a_difference_unless_it_counts_as_zero(place: Place) -> None:
    ways = of(place, "ours", C1=2.0), of(place, "theirs", C1=2.0, C2=2.0)
    with pytest.raises(TerraceError, match=r"customer C2.*only one of them has this customer"):
        agreed(place, *ways, Alike())
    with pytest.raises(TerraceError, match=r"customer C2.*dep_cur"):
        agreed(place, *ways, Alike(missing=0.0))
    assert agreed(place, *ways, Alike(missing=0.0, is_part=True)) == 1
    assert agreed(place, ways[0], of(place, "zero", C1=2.0, C2=0.0), Alike(missing=0.0)) == 2


def test_what_may_differ_is_said(place: Place) -> None:
    ways = of(place, "ours", C1=2.0), of(place, "theirs", C1=2.0 + 1e-10)
    assert agreed(place, *ways, Alike(within=1e-9)) == 1
    with pytest.raises(TerraceError, match="dep_cur"):
        agreed(place, *ways, Alike(within=1e-11))


def test_a_way_that_fails_ends_the_contest_with_its_trace(place: Place) -> None:
    with pytest.raises(TerraceError, match="the vault is shut"):
        held(Pair(way("breaks")), place)


def test_a_rival_without_its_environment_is_said_to_have_stayed_away(place: Place) -> None:
    raced = held(Pair(Way("Polars", f"{WAYS}:notes", environment="rivals"), way("notes", text="a")), place)
    assert raced.absent == "rivals"
    assert "no environment 'rivals'" in table.rows([raced])[0][3]


def test_memory_is_of_the_process_with_all_it_starts(place: Place) -> None:
    raced = held(Pair(way("parent_of", megabytes=150), way("notes", text="a")), place)
    assert raced.first[0].peak_mb > 150 > raced.second[0].peak_mb


def laps(*seconds: float, rows: int = 10) -> list[Lap]:
    return [Lap(one, 2 * one, 100, rows=rows) for one in seconds]


def test_a_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_medians() -> None:
    raced = Raced(Pair(way("notes"), way("notes")), laps(1, 6, 30), laps(1, 2, 20))
    assert raced.ratios == [1, 3, 1.5]
    assert (raced.ratio, raced.cpu_ratio) == (1.5, 1.5)
    row = dict(zip(table.HEAD, table.rows([raced])[0], strict=True))
    assert (row["ratio"], row["spread"], row["seconds"]) == ("1.50", "1.00 to 3.00", "6.00 / 2.00")


def told(raced: Raced) -> dict[str, str]:
    return dict(zip(table.HEAD, table.rows([raced])[0], strict=True))


def test_one_round_has_no_spread_and_nothing_is_said_to_be_met_before_the_third() -> None:
    pair = Pair(way("notes"), way("notes"), aim=4.0)
    once = told(Raced(pair, laps(3), laps(1)))
    assert (once["ratio"], once["spread"], once["asked"]) == ("3.00", "", "at most 4; one round")
    twice = told(Raced(pair, laps(3, 5), laps(1, 1)))
    assert (twice["spread"], twice["asked"]) == ("3.00 to 5.00", "at most 4; 2 rounds")
    assert told(Raced(pair, laps(3, 5, 3), laps(1, 1, 1)))["asked"] == "at most 4: met"
    assert told(Raced(pair, laps(3, 5, 5), laps(1, 1, 1)))["asked"] == "at most 4: not met"
    assert ["median" in table.what_a_ratio_is(rounds) for rounds in (1, 2, 3)] == [False, False, True]


def test_the_exponent_of_cost_is_the_slope_of_the_logarithms() -> None:
    sizes = [1_000, 10_000, 50_000]
    assert exponent(sizes, [3e-6 * size**1.2 for size in sizes]) == pytest.approx(1.2)
