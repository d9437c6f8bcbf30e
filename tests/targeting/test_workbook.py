"""Workbooks as managers open and print them: whose rows, what is locked, what is text, what stands on every page."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from store.errors import ConfigError
from store.settings import read_yaml, validate
from targeting import openings
from targeting.captions import OUTCOMES
from targeting.settings import TargetingSettings
from targeting.sheet_style import row_points
from targeting.workbook import BankWords, ListBook, WorkbookSettings, write_workbooks
from tests.targeting.books import (
    ENTRIES,
    OFFERS,
    column,
    entry,
    header,
    list_book,
    opened,
    reread,
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every workbook of the small bank, by a word of its name."""
    out = tmp_path_factory.mktemp("books")
    paths = write_workbooks(list_book(), out)
    assert sorted(out.iterdir()) == sorted(paths)
    return {word: next(path for path in paths if word in path.name) for word in ("周建国", "谭海波", "支行总表", "总行汇总")}


def test_every_reader_gets_a_file_with_a_chinese_name(written: dict[str, Path]) -> None:
    assert [path.name for path in sorted(written.values())] == sorted(
        [
            "禾溪农商行_城关支行_周建国_0132_2026-09-30_v1.xlsx",
            "禾溪农商行_河口分理处_谭海波_0133_2026-09-30_v1.xlsx",
            "禾溪农商行_城关支行_支行总表_2026-09-30_v1.xlsx",
            "禾溪农商行_总行汇总_2026-09-30_v1.xlsx",
        ]
    )


def test_a_managers_workbook_holds_that_managers_customers_only(written: dict[str, Path]) -> None:
    with zipfile.ZipFile(written["周建国"]) as parts:
        everything = " ".join(parts.read(name).decode("utf-8", "ignore") for name in parts.namelist())
    assert set(re.findall(r"62100000000000001\d\d", everything)) == {"6210000000000000101", "6210000000000000102"}


def test_a_branch_head_has_her_own_list_the_pool_and_everyones_outlets_included(written: dict[str, Path]) -> None:
    book = reread(written["支行总表"])
    assert book.sheetnames == ["本人名单", "待分派", "全员名单", "说明与汇总", "选项"]
    assert column(book["本人名单"], "客户号") == ["6210000000000000104"]
    assert column(book["待分派"], "客户号") == ["6210000000000000105"]
    assert column(book["全员名单"], "客户号") == ["6210000000000000101", "6210000000000000102", "6210000000000000103"]
    assert book["选项"].sheet_state == "hidden"
    assert [row[0].value for row in book["选项"].iter_rows()] == ["0101 李志强", "0132 周建国", "0133 谭海波"]


def test_head_office_reads_counts_and_only_the_customers_it_keeps(written: dict[str, Path]) -> None:
    book = reread(written["总行汇总"])
    with zipfile.ZipFile(written["总行汇总"]) as parts:
        everything = " ".join(parts.read(name).decode("utf-8", "ignore") for name in parts.namelist())
    assert set(re.findall(r"62100000000000001\d\d", everything)) == {"6210000000000000106"}
    rows = [[cell.value for cell in row] for row in book["说明与汇总"].iter_rows(max_col=4)]
    branches = rows[next(n for n, row in enumerate(rows) if row[0] == "按支行") + 2 :]
    assert branches[0] == ["总行", 1, 0.5, 20_000]
    assert branches[1] == ["城关支行", 5, 2.5, 12_500.4]
    assert branches[2] == ["合计", 6, 3.0, 32_500.4]


def test_the_columns_are_what_a_manager_needs_and_the_probability_comes_on_request(written: dict[str, Path]) -> None:
    sheet = opened(written["周建国"], "名单")
    assert list(header(sheet)) == [
        "序号",
        "客户号",
        "姓名",
        "电话",
        "客户等级",
        "产品推荐",
        "可能性",
        "概率",
        "预计年价值",
        "入选理由",
        "开场白",
        "联系结果",
        "联系日期",
        "备注",
    ]
    assert column(sheet, "可能性") == ["中", "中"]
    assert column(sheet, "概率") == ["12%（8.0%–17%）"] * 2
    assert sheet.column_dimensions["H"].hidden
    assert not sheet.column_dimensions["G"].hidden
    assert sheet["A1"].value == "城关支行 周建国（工号0132）　2026年9月30日名单　第1版"
    assert "共2户，用时约1小时，当日可用4小时" in sheet["A2"].value
    assert column(sheet, "开场白")[0] == "您好，我是城关支行的小周，想了解一下您近期的资金安排。"
    assert column(opened(written["谭海波"], "名单"), "开场白") == [
        "您好，我是河口分理处的小谭，我行经营贷年化利率4.85%起，具体以审批为准。"
    ]


def test_an_event_needs_no_likelihood(written: dict[str, Path]) -> None:
    pool = opened(written["支行总表"], "待分派")
    assert (column(pool, "可能性"), column(pool, "概率")) == (["—"], ["—"])
    assert "小" not in column(pool, "开场白")[0]  # nobody's name yet


def test_reasons_are_numbered_and_their_rows_are_high_enough_to_read(written: dict[str, Path]) -> None:
    sheet = opened(written["周建国"], "名单")
    reasons = column(sheet, "入选理由")[0]
    assert reasons.split("\n")[1].startswith("② 10月18日一笔10万元")
    # 48 columns hold 23 Chinese characters: each of the three sentences takes two lines.
    assert sheet.row_dimensions[4].height >= 6 * 15
    assert sheet.cell(4, header(sheet)["入选理由"]).alignment.wrap_text


def test_a_row_grows_with_its_text_in_either_language_but_not_past_what_excel_allows() -> None:
    assert row_points([("短", 48)], "zh") < row_points([("长" * 100, 48)], "zh") < row_points([("长" * 200, 48)], "zh")
    assert row_points([("a word " * 40, 48)], "en") > row_points([("a word", 48)], "en")
    assert row_points([("长" * 9_000, 10)], "zh") <= 409


def test_phones_are_masked_names_too_and_identity_numbers_never_enter(written: dict[str, Path]) -> None:
    sheet = opened(written["周建国"], "名单")
    assert column(sheet, "电话") == ["199****0000", "199****0001"]
    assert column(sheet, "姓名") == ["刘**", "刘**"]
    for path in written.values():
        with zipfile.ZipFile(path) as parts:
            everything = " ".join(parts.read(name).decode("utf-8", "ignore") for name in parts.namelist())
        assert "43012119800101" not in everything
        assert "199-0000" not in everything
        assert "1990000" not in everything


def test_names_are_written_in_full_only_where_the_bank_says_so_and_phones_even_then_not(tmp_path: Path) -> None:
    write_workbooks(list_book(settings=WorkbookSettings(names="full")), tmp_path)
    sheet = opened(next(tmp_path.glob("*周建国*")), "名单")
    assert column(sheet, "姓名") == ["刘建0", "刘建1"]
    assert column(sheet, "电话") == ["199****0000", "199****0001"]


def test_numbers_of_many_digits_are_text(written: dict[str, Path]) -> None:
    sheet = opened(written["周建国"], "名单")
    cell = sheet.cell(4, header(sheet)["客户号"])
    assert (cell.data_type, cell.value, cell.number_format) == ("s", "6210000000000000101", "@")


def test_only_the_outcome_columns_are_unlocked_on_a_protected_sheet(written: dict[str, Path]) -> None:
    for path in written.values():
        for sheet in reread(path):
            assert sheet.protection.sheet
            open_cells = {(cell.row, cell.column) for row in sheet.iter_rows() for cell in row if not cell.protection.locked}
            if sheet.title in ("名单", "本人名单", "待分派"):
                names = {number: name for name, number in header(sheet).items()}
                allowed = {"联系结果", "联系日期", "备注"} | ({"分派给"} if sheet.title == "待分派" else set())
                assert {names[number] for _, number in open_cells} == allowed
                assert min(row for row, _ in open_cells) == 4
            else:
                assert open_cells == set()


def test_the_outcome_is_a_closed_list_the_date_not_before_the_data_and_the_note_short(written: dict[str, Path]) -> None:
    sheet = opened(written["周建国"], "名单")
    rules = {str(rule.sqref): rule for rule in sheet.data_validations.dataValidation}
    assert {name: rule.type for name, rule in rules.items()} == {"L4:L5": "list", "M4:M5": "date", "N4:N5": "textLength"}
    assert rules["L4:L5"].formula1 == '"' + ",".join(zh for zh, _ in OUTCOMES.values()) + '"'
    assert rules["L4:L5"].errorStyle in (None, "stop")
    pool = opened(written["支行总表"], "待分派")
    assert "'选项'!$A$1:$A$3" in [rule.formula1 for rule in pool.data_validations.dataValidation]


def test_the_outcomes_are_those_the_contacts_table_knows() -> None:
    from sources.tables import TABLES

    assert tuple(OUTCOMES) == TABLES["contacts"].column("outcome").codes


def test_values_have_data_bars_and_a_unit_by_setting(written: dict[str, Path], tmp_path: Path) -> None:
    sheet = opened(written["周建国"], "名单")
    assert column(sheet, "预计年价值") == [1_500.4, 900.0]
    assert sheet["I3"].value == "预计年价值\n（元）"
    bars = [rule.type for rules in sheet.conditional_formatting for rule in rules.rules]
    assert bars == ["dataBar"]
    write_workbooks(list_book(settings=WorkbookSettings(amounts="wan")), tmp_path)
    sheet = opened(next(tmp_path.glob("*周建国*")), "名单")
    assert sheet["I3"].value == "预计年价值\n（万元）"
    assert column(sheet, "预计年价值") == [pytest.approx(0.15004), pytest.approx(0.09)]


def test_every_sheet_prints_on_a4_landscape_one_page_wide_with_header_and_footer(written: dict[str, Path]) -> None:
    for path in written.values():
        for sheet in reread(path):
            if sheet.title == "选项":
                continue
            assert (sheet.page_setup.paperSize, sheet.page_setup.orientation) == (9, "landscape")
            assert (sheet.sheet_properties.pageSetUpPr.fitToPage, sheet.page_setup.fitToWidth or 1) == (True, 1)
            assert sheet.merged_cells.ranges == set() or not sheet.merged_cells.ranges
            assert "演示银行，人物与数据均为虚构" in sheet.oddHeader.right.text
            assert sheet.oddFooter.center.text.strip() == "内部资料 请勿外传"
            assert "第1版  2026-09-30" in sheet.oddFooter.right.text
            assert "&P" in sheet.oddFooter.right.text or "&[Page]" in sheet.oddFooter.right.text
            if sheet.title != "说明与汇总":
                assert sheet.print_title_rows == "$3:$3"
                assert sheet.auto_filter.ref
                assert sheet.freeze_panes
    assert opened(written["周建国"], "名单").oddFooter.left.text.strip() == "城关支行  周建国  工号 0132"


def test_the_summary_counts_the_list_and_labels_assumptions_as_assumptions(written: dict[str, Path]) -> None:
    book = reread(written["周建国"])
    sheet = book["说明与汇总"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(max_col=5)]
    assert ["城关支行 周建国（工号0132）", 2, 1, 4, 2_400.4] in rows
    assert ["资产挽留", 2, 1, 2_400.4, None] in rows
    texts = [row[0] for row in rows if row[0]]
    assert texts[texts.index("挽留成功率：15%") - 1].startswith("假设（未经实测")
    assert texts[texts.index("未核验营销授权：数据未到") - 1] == "数据与规则的例外（已说明原因）"
    assert "怎样看这张表" in texts
    chart = sheet._charts[0]
    assert chart.series[0].val.numRef.f.startswith("说明与汇总!") or "说明与汇总" in chart.series[0].val.numRef.f


def test_the_same_list_gives_the_same_bytes_in_any_order_of_its_rows(tmp_path: Path, written: dict[str, Path]) -> None:
    book = list_book()
    shuffled = ListBook(
        **{
            **book.__dict__,
            **{
                name: getattr(book, name).sample(frac=1, random_state=5)
                for name in ("entries", "people", "managers", "branches", "hours")
            },
        }
    )
    write_workbooks(shuffled, tmp_path)
    for path in written.values():
        assert hashlib.sha256((tmp_path / path.name).read_bytes()).digest() == hashlib.sha256(path.read_bytes()).digest()


def test_nothing_in_a_workbook_knows_the_clock(written: dict[str, Path]) -> None:
    for path in written.values():
        with zipfile.ZipFile(path) as parts:
            assert {info.date_time for info in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        properties = reread(path).properties
        assert properties.created == properties.modified == dt.datetime(2026, 9, 30)


def test_two_managers_of_one_name_get_two_files(tmp_path: Path) -> None:
    managers = pd.DataFrame(
        [(number, "周建国", "B01", "manager") for number in ("0132", "01.32", "01/32")],
        columns=["manager_id", "name", "branch_id", "role"],
    )
    entries = [entry(f"c{n}", number, "B01", 1, 10.0) for n, number in enumerate(managers["manager_id"])]
    paths = write_workbooks(list_book(managers=managers, entries=entries), tmp_path)
    assert len({path.name.casefold() for path in paths}) == len(paths)
    seen = [tuple(column(opened(path, "名单"), "客户号")) for path in paths if "周建国" in path.name]
    assert sorted(seen) == [("c0",), ("c1",), ("c2",)]
    counted = [row[0].value for row in opened(next(tmp_path.glob("*支行总表*")), "说明与汇总").iter_rows(max_col=1)]
    assert {"周建国 0132", "周建国 01.32", "周建国 01/32"} <= set(counted)


def test_a_night_without_names_still_tells_head_office_so(tmp_path: Path) -> None:
    empty = pd.DataFrame(ENTRIES)[:0]
    book = ListBook(**{**list_book().__dict__, "entries": empty})
    [path] = write_workbooks(book, tmp_path)
    rows = [[cell.value for cell in row] for row in opened(path, "说明与汇总").iter_rows(max_col=5)]
    assert ["总行汇总", 0, 0, 17.5, 0] in rows


def test_a_bank_without_managers_or_names_gets_one_plain_list_per_branch_in_its_language(tmp_path: Path) -> None:
    bank = BankWords("贝尔卡", "Berka", "贝尔卡", "Berka", "CZK", "en")
    branches = pd.DataFrame({"branch_id": ["1", "2"], "name": ["Hl.m. Praha", "Benesov"], "name_en": [None, None]})
    entries = [entry("1001", None, "1", 1, 42.0), entry("1002", None, "2", 1, 30.0)]
    book = list_book(
        bank=bank,
        branches=branches,
        entries=entries,
        names=[None, None],
        hours=pd.DataFrame({"branch_id": ["1", "2"], "manager_id": [None, None], "hours": [4.0, 4.0]}),
        managers=pd.DataFrame({"manager_id": [], "name": [], "branch_id": [], "role": []}),
    )
    book = ListBook(**{**book.__dict__, "people": book.people.assign(phone=None)})
    names = [path.name for path in write_workbooks(book, tmp_path)]
    assert names == [
        "Berka_Benesov_Whole-branch_2026-09-30_v1.xlsx",
        "Berka_Head-office_2026-09-30_v1.xlsx",
        "Berka_Hl.m.-Praha_Whole-branch_2026-09-30_v1.xlsx",
    ]
    sheet = opened(tmp_path / names[0], "List")
    assert list(header(sheet)) == [
        "No.",
        "Customer",
        "Tier",
        "Next offer",
        "Likely",
        "Probability",
        "Value a year",
        "Why on the list",
        "Opening line",
        "Outcome",
        "Date",
        "Note",
    ]
    assert column(sheet, "Why on the list") == ["1. Fact one.\n2. Fact two."]
    assert sheet.oddFooter.center.text.strip() == "Internal. Do not pass on."
    assert "invented" not in sheet.oddHeader.right.text


@pytest.mark.parametrize("words", ["您在他行的存款", "您转出的12万元", "您账户余额", "{customer}您好"])
def test_an_opening_that_names_another_bank_sums_or_flows_is_refused(words: str, tmp_path: Path) -> None:
    offers = OFFERS | {"keep_assets": OFFERS["keep_assets"].model_copy(update={"opening_zh": words})}
    with pytest.raises(ConfigError, match=r"targeting\.offers\.keep_assets\.opening_zh"):
        write_workbooks(list_book(offers=offers), tmp_path)


def test_every_opening_of_the_standard_offers_may_be_said() -> None:
    content, _ = read_yaml(Path(__file__).resolve().parents[2] / "configs" / "targeting.yaml")
    offers = validate(content["targeting"], TargetingSettings, {}).offers
    assert len(offers) > 10
    openings.check(offers)
