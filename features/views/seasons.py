"""The time of year, by the bank's calendar; and what this festival brought against the one before."""

from __future__ import annotations

from features.algebra import Term, of_clock
from features.calendar import Clock
from features.declare import Features, Wording, fact, feature, feature_view
from features.rows.transactions import IN, OUT, Transactions, not_inner
from features.windows import season

GRAIN = "One row per customer per as_of."
NOW, BEFORE = season("spring_festival"), season("spring_festival", 1)
BEFORE_SO_FAR = season("spring_festival", 1, elapsed=True)

FESTIVAL_FALL = Wording(
    "去年腊月二十至正月十五存入{txn_in_festival_before_amt:money}，今年同期{txn_in_festival_amt:money}。",
    "From the 20th of the last lunar month to Lantern Festival last year {txn_in_festival_before_amt:money} came in; this year "
    "{txn_in_festival_amt:money}.",
    when="txn_in_festival_before_amt > txn_in_festival_amt and festival_since_days <= 75 and festival_since_days > 25")
FESTIVAL_SO_FAR = Wording(
    "去年腊月二十至正月十五存入{txn_in_festival_before_amt:money}，今年同期至今{txn_in_festival_amt:money}。",
    "From the 20th of the last lunar month to Lantern Festival last year {txn_in_festival_before_amt:money} came in; this "
    "year so far "
    "{txn_in_festival_amt:money}.",
    when="txn_in_festival_before_amt > txn_in_festival_amt and festival_since_days <= 25")


def _since(name: str) -> Term:
    return of_clock(lambda clock: None if (spell := clock.season(name)) is None else clock.day - spell[0], name)


def _until(name: str) -> Term:
    return of_clock(lambda clock: None if (spell := clock.next_season(name)) is None else spell[0] - clock.day, name)


def _within(name: str) -> Term:
    def inside(clock: Clock) -> int | None:
        spell = clock.season(name)
        return None if spell is None else int(spell[0] <= clock.day <= spell[1])
    return of_clock(inside, name)


@feature_view(entity="customer", owner="retail", grain=GRAIN)
def season_of_year(transactions: Transactions) -> Features:
    """Where in the bank's year the date lies. The same for everyone on a day; it lets a model tell February from June."""
    return Features(
        feature("festival_since_days", _since("spring_festival"), "days", "腊月二十至今天数（最近一次）",
                "Days since the Spring Festival season began"),
        feature("festival_until_days", _until("spring_festival"), "days", "距下一个腊月二十天数",
                "Days until the next Spring Festival season begins"),
        feature("is_festival_season", _within("spring_festival"), "flag", "是否春节前后", "Within the Spring Festival season"),
        feature("is_opening_campaign", _within("opening_campaign"), "flag", "是否开门红期间", "Within the opening campaign"),
        feature("is_harvest_season", _within("harvest"), "flag", "是否收粮季", "Within the harvest season"),
        feature("quarter_end_days", of_clock(lambda clock: clock.days_to_end_of("quarter")), "days", "距季末天数",
                "Days to the end of the quarter"),
        feature("year_end_days", of_clock(lambda clock: clock.days_to_end_of("year")), "days", "距年末天数",
                "Days to the end of the year"),
    )


@feature_view(entity="customer", owner="retail", grain=GRAIN)
def festival(transactions: Transactions) -> Features:
    """What came in over the Spring Festival, against the same lunar days a year before."""
    came = transactions.amount(IN & not_inner(), [NOW, BEFORE, BEFORE_SO_FAR])
    went = transactions.amount(OUT & not_inner(), [NOW, BEFORE_SO_FAR])
    return Features(
        feature("txn_in_festival_amt", came[NOW], "money", "最近一个春节前后存入金额",
                "Money in over the latest Spring Festival season",
                FESTIVAL_FALL, FESTIVAL_SO_FAR, family="festival"),
        fact("txn_in_festival_before_amt", came[BEFORE], "money", "上一个春节前后存入金额",
             "Money in over the Spring Festival season before"),
        feature("txn_in_festival_change_amt", came[NOW] - came[BEFORE_SO_FAR], "money", "春节前后存入比上年农历同期的增减额",
                "Money in over the Spring Festival season less that of the same lunar days a year before", FESTIVAL_FALL,
                FESTIVAL_SO_FAR, family="festival"),
        feature("txn_out_festival_change_amt", went[NOW] - went[BEFORE_SO_FAR], "money", "春节前后转出比上年农历同期的增减额",
                "Money out over the Spring Festival season less that of the same lunar days a year before", family="festival"),
    )
