"""Every error an operator or steward meets is told in Chinese as well, and no phrase outlives the English it stands for."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.phrases import PARTS, PHRASES
from flows.setting_phrases import LIBRARY
from flows.settings import Alert, Bank, NightSettings
from flows.translation import told, translated
from store import errors
from store.errors import ConfigError, DataNotArrived, GateBroken

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("store", "sources", "features", "models", "targeting", "flows")
HERE = ("store", "sources", "models", "targeting", "flows")  # nothing that operators and stewards meet stays English
BY_HAND = ("wording.py", "declare.py")  # what these say, they say to who writes Python
RAISED = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.TerraceError)}
RAISED |= {"LeaseHeld", "LeaseLost", "StepTimeout"}


def template(node: ast.AST) -> str | None:
    """A string as a phrase writes it: `{}` for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def trees(*rooms: str) -> list[ast.AST]:
    return [
        ast.parse(path.read_text(encoding="utf-8"))
        for room in rooms
        for path in sorted((ROOT / room).rglob("*.py"))
        if not path.name.endswith("phrases.py") and path.name not in BY_HAND
    ]


def settings_of(*rooms: str) -> list[ast.AST]:
    """The modules whose classes are sections of a bank file."""
    paths = [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    return [ast.parse(text) for path in paths if "(Settings)" in (text := path.read_text(encoding="utf-8"))]


def raised(*found_in: ast.AST, kinds: set[str]) -> set[str]:
    """Every text with which an error is made."""
    found = set()
    for node in (node for tree in found_in for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds:
            parts = [*node.args, *(word.value for word in node.keywords)]
            found |= {text for part in parts if (text := template(part))}
    return found


def is_chinese(text: str) -> bool:
    return re.search(r"[\u4e00-\u9fff]", text) is not None


def untold(texts: set[str]) -> set[str]:
    """Those that stay English. One phrase is so general that it would answer for every sentence with an `as`."""
    others = {phrase: chinese for phrase, chinese in PHRASES.items() if phrase != "{} as {}"}
    named = {text for text in texts if re.search("[a-z]{2}", text.replace("{}", "")) and not text.startswith("--")}
    return {text for text in named if not is_chinese(PHRASES.get(text) or translated(text, others))}


def test_whatever_the_rooms_raise_has_a_chinese_twin() -> None:
    texts = raised(*trees(*HERE), kinds=RAISED)
    assert len(texts) > 180
    assert not untold(texts)


def test_whatever_is_said_of_a_wrong_setting_has_a_chinese_twin() -> None:
    texts = raised(*settings_of(*ROOMS), kinds={"ValueError"})
    assert len(texts) > 35
    assert not untold(texts)


def test_every_phrase_is_still_said_somewhere() -> None:
    said = {text for tree in trees(*ROOMS) for node in ast.walk(tree) if (text := template(node))}
    fragments = {
        "{} of {} ({})",
        "{} of {} ({}) on {}",
        "any date or later",
        "rows {}",
        "{} '{}' is not known; {}",
        "{}, expected {}",
        "'{}' is {}: {}",
        "'{}': {}",
    }
    forgotten = {
        phrase
        for phrase in PHRASES
        if phrase not in LIBRARY and phrase not in said and phrase not in fragments and not any(phrase in text for text in said)
    }
    assert not forgotten


def test_a_phrase_fills_in_as_much_in_chinese_as_in_english() -> None:
    for english, chinese in PHRASES.items():
        slots = len(re.findall(r"(?<!\{)\{\d?\}(?!\})", chinese.replace("{{{}", "{}")))
        assert slots == english.count("{}"), english


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            "accounts (no file a.csv); loans (no flag loans.ok for loans.csv)",
            "accounts（没有文件 a.csv）；loans（缺少标志文件 loans.ok，对应 loans.csv）",
        ),
        (
            "small.yaml:9: unknown key 'sources.bukets'; did you mean 'buckets'?",
            "small.yaml:9：不认识的键 'sources.bukets'，是否应为 'buckets'？",
        ),
        (
            "small.yaml:3: table accounts: column 'xx' is not known; did you mean 'x'?",
            "small.yaml:3：表 accounts 的列 'xx' 不存在，是否应为 'x'？",
        ),
        (
            "accounts: key 3 of 40 (7.50%), expected at most 2.00%",
            "accounts：主键冲突占比，实际 3（共 40，占 7.50%），要求 不超过 2.00%",
        ),
        ("accounts (no file a.csv); loans (no file b.csv)", "accounts（没有文件 a.csv）；loans（没有文件 b.csv）"),
        ("a; b", "a；b"),
        ("12 of 300 (4.00%) on 2026-09-30", "12（共 300，占 4.00%），2026-09-30"),
        ("only 2 earlier days of its kind (working day)", "同类日（工作日）此前只有 2 天"),
    ],
)
def test_what_is_filled_in_is_told_in_chinese_too(english: str, chinese: str) -> None:
    assert translated(english) == chinese


def test_where_what_was_expected_and_what_to_do_have_their_places() -> None:
    error = GateBroken(
        "accounts: volume 0 rows on 2025-09-30, expected 5 to 9, after 4 days of its kind (month end)",
        where="small",
        do="see quality/report.json and quarantine/; a known gap is waived in the bank file",
    )
    assert told(error, "zh").startswith(
        "small：accounts：当日笔数，实际 0 行（2025-09-30），要求 5 至 9（参照此前 4 个同类日：月末）。处理办法："
    )
    assert told(error, "en") == str(error)
    assert "。。" not in told(ConfigError("no list is published yet。", do="run `terrace nightly`"), "zh")
    late = DataNotArrived("the data goes to 2025-09-30, not to 2025-10-01", where="transactions")
    assert told(late, "zh") == "transactions：数据只到 2025-09-30，还没有 2025-10-01 的。"


@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        (NightSettings, {"lease_seconds": "long"}),
        (NightSettings, {"lease_seconds": 1}),
        (NightSettings, {"backtest_months": "x"}),
        (NightSettings, {"wait_until": "25:00"}),
        (NightSettings, {"wait_until": 6}),
        (NightSettings, {"minutes": 3}),
        (NightSettings, {"schedules": {"nightly": "4:30"}}),
        (Bank, {"id": "a", "name": "b", "language": "fr"}),
        (Bank, {"id": "a", "name": "b", "timezone": "Beijing"}),
        (Bank, {"id": "a", "name": "b", "is_fictitious": "perhaps"}),
        (
            Alert,
            {
                "command": "page",
            },
        ),
        (Alert, {"webhook": "file:///etc/passwd"}),
        (Alert, {"command": ["x"], "webhook": "http://y"}),
    ],
)
def test_what_the_library_says_of_an_operators_setting_is_told_in_chinese(model: type, wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(wrong)
    for mistake in caught.value.errors():
        assert is_chinese(translated(mistake["msg"].removeprefix("Value error, "))), mistake["msg"]


def test_each_phrase_has_one_wording() -> None:
    assert len(PHRASES) == sum(map(len, PARTS))
