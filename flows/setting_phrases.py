"""What is said of a wrong setting, in English as the rooms raise it and in Chinese."""

from __future__ import annotations

SETTINGS: dict[str, str] = {
    # bank, night
    "no such currency; write its code, as CNY": "没有这个币种，写法如 CNY",
    "a currency without hundredths is not supported: tiers, labels and values count in hundredths":
        "暂不支持没有“分”的币种：等级、标签和价值均按分计算",
    "no such country; write its code, as CN": "没有这个国家或地区，写法如 CN",
    "no such country; did you mean '{}'?": "没有这个国家或地区，是否应为 '{}'？",
    "no such time zone; write it as Asia/Shanghai": "没有这个时区，写法如 Asia/Shanghai",
    "give either `command` or `webhook`, not both": "command 与 webhook 只能选一个",
    "a webhook starts with https:// or http://": "webhook 应以 https:// 或 http:// 开头",
    "${{}} is not set": "环境变量 {} 没有设置",
    "an environment variable of that name": "有这个名字的环境变量",
    "set {} for the user who runs Terrace": "为运行 Terrace 的用户设置 {}",
    # sources
    "an input of Spark needs `table` or `select`, and no `uri`: its session is under `spark`":
        "Spark 输入要写 table 或 select 之一，不写 uri：会话设置在 spark 一段",
    "`select` is for `database: spark`, and says itself since when": "select 只用于 database: spark，起始日期写在 SQL 里",
    "with `dialect: spark` every input is `database: spark`": "dialect: spark 时，每个输入都应为 database: spark",
    "with `dialect: spark` no `where` is asked of full files; select in the input itself":
        "dialect: spark 时，全量文件不用 where；请在该输入的 select 中筛选",
    "check `table`, `select` and `where`": "检查 table、select 和 where",
    "give either `files` or `database`, not both": "files 与 database 只能选一个",
    "a database input needs `uri` and `table`": "数据库输入要写 uri 和 table",
    "`since` and `since_column` belong together": "since 与 since_column 要一起写",
    "`delivery: full` needs `key`, the columns that tell its rows apart; nothing else takes `key`":
        "delivery: full 要写 key，即区分每一行的列；其他情况不写 key",
    "`delivery: full` needs `dated`: a pattern on the file's name, or a column (databases: a column)":
        "delivery: full 要写 dated：文件名中的日期写法，或日期列（数据库只能用列）",
    "`dated: column` is for `delivery: full`; elsewhere map that column":
        "dated: column 只用于 delivery: full；其他情况请映射该列",
    "`first_load` is for files that are added to; full files all have a day":
        "first_load 只用于逐日追加的文件；全量文件都要带日期",
    "fixed width needs `columns` and as many `widths`": "定长文件要写 columns，并写同样多的 widths",
    "a file without a header needs `columns`": "没有表头的文件要写 columns",
    "give either `column` or `value`": "column 与 value 选一个",
    "two-digit years (%y) need `pivot`, the first of the hundred years meant; other dates take none":
        "两位年份（%y）要写 pivot，即所指一百年的第一年；其他日期不写",
    "give either `from` or `select`": "from 与 select 选一个",
    "`from` needs `columns`": "from 要有 columns",
    "Spark is asked for and not installed": "已选 Spark 引擎，但没有安装",
    "install Terrace's extra `spark`, and Java 17": "安装 Terrace 的 spark 扩展和 Java 17",
    "Spark does not start: {}": "Spark 没有启动：{}",
    "Java 17 on the path": "PATH 中有 Java 17",
    "install Java 17, or look at `spark` in the bank's file": "安装 Java 17，或检查银行文件中的 spark 一段",
    # limits
    "write a size as 4GB, 800MB or 1.5TB": "大小写法如 4GB、800MB、1.5TB",
    "too little to work with; at least {}": "太小，无法运行；至少 {}",
    # features
    "a season has either `festival` or both `solar_from` and `solar_to`":
        "时节要么写 festival，要么同时写 solar_from 和 solar_to",
    "a first_use label names its product families and uses (loan, account, holding)":
        "first_use 标签要写产品族 families 和 uses（loan、account、holding）",
    "families and uses belong to first_use, not to {}": "families 和 uses 只用于 first_use，不用于 {}",
    # models
    "'{}' is no condition; write NAME >= NUMBER, NAME is A|B or NAME has A|B":
        "'{}' 不是条件，写法为：名称 >= 数字、名称 is A|B 或 名称 has A|B",
    "'{}' is no word; words are {}": "'{}' 不能这样比较，可用的有 {}",
    "'{}' is no figure; figures are age, tenure_days, <category>_months, <category>_sum, link_<kind>, has_<family>":
        "'{}' 不是数值，可用的有 age、tenure_days、<类别>_months、<类别>_sum、link_<关系>、has_<产品族>",
    "'{}' in '{}' is no number": "'{}'（在 '{}' 中）不是数字",
    "the last group, and only the last, has no lines: it takes everybody who is left":
        "只有最后一个客群不写条件，其余客户都归入它",
    "two groups have the same id": "两个客群的 id 相同",
    "two tiers have the same id": "两个等级的 id 相同",
    "tiers go from high to low: '{}' must ask for more of both than '{}'": "等级要从高到低排列：'{}' 的两项标准都应高于 '{}'",
    "the lowest tier '{}' asks for nothing: everyone has a tier": "最低等级 '{}' 不设标准：人人都有等级",
    "vip_adb must lie above the {} of '{}'": "vip_adb 应高于 '{1}' 的标准 {0}",
    "there must be a scale 'personal': it takes every kind no other scale names":
        "必须有 personal 这一套等级，其他套没有写到的客户都归它",
    "two scales share the id of a tier; a tier's id must say which scale it is of":
        "两个等级体系用了同一个等级代号；代号须能看出属于哪个体系",
    "earlier: {} is not before {}, for which the tiers above are approved": "earlier 中的 {} 年不早于现行标准批准的 {} 年",
    "earlier: {}: '{}' must have the same tiers in the same order as the scale in force: ids stay, only thresholds change":
        "earlier 的 {} 年：'{}' 的等级及顺序须与现行一致，代号不变，只改标准",
    "asked for and approved by the same person; an override needs four eyes": "提出人与批准人是同一人；人工核定须两人经手",
    "an override holds from `since` to `until`, at most a year": "人工核定须写明起止日期（since 至 until），最长一年",
    # targeting
    "a routing rule needs tiers, adb_from or loans_from; without one it would take every customer":
        "分派规则要写 tiers、adb_from 或 loans_from，否则会把所有客户都划走",
    "a purchase or retention needs the `model` whose scores it reads": "purchase 和 retention 要写取分的 model",
    "a purchase needs `margin` and `amount`, or `yearly`": "purchase 要写 margin 和 amount，或者 yearly",
    "a retention, trigger or service call needs `save_rate`": "retention、trigger 和 service 要写 save_rate",
    "loan words must carry the annual rate: put {rate} into both openings and `rate` beside them":
        "贷款话术必须写明年化利率：两种语言的开场白都写上 {{rate}}，并写 rate",
    "a loan needs no risk rating of the investor": "贷款不需要投资者风险评级",
    "'{}': deposits are not bought with gifts": "'{}'：不得以赠品揽储",
}
LIBRARY: dict[str, str] = {     # what pydantic says of a value; the rest of it stays English
    "Input should be a valid integer, unable to parse string as an integer": "应为整数",
    "Input should be a valid number, unable to parse string as a number": "应为数字",
    "Input should be a valid string": "应为文字",
    "Input should be a valid boolean, unable to interpret input": "应为 true 或 false",
    "Input should be a valid dictionary or instance of {}": "应为“键: 值”的一段（{}）",
    "Input should be a valid dictionary": "应为“键: 值”的一段",
    "Input should be a valid tuple": "应为列表",
    "Input should be greater than {}": "应大于 {}",
    "Input should be greater than or equal to {}": "应不小于 {}",
    "Input should be less than {}": "应小于 {}",
    "Input should be less than or equal to {}": "应不大于 {}",
    "Input should be {}": "应为 {}",
    "String should match pattern '{}'": "写法应符合 {}",
    "String should have at least {} character": "至少 {} 个字", "String should have at least {} characters": "至少 {} 个字",
    "Tuple should have at least {} item after validation, not {}": "至少 {} 项，实际 {} 项",
    "Tuple should have at least {} items after validation, not {}": "至少 {} 项，实际 {} 项",
    "Input should be a valid list": "应为列表",
    "Input should be a valid date or datetime, {}": "应为日期，如 2025-09-30（{}）",
    "Input should be a valid integer, got a number with a fractional part": "应为整数",
}
