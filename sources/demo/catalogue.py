"""What the demo bank sells, its posted prices, and the summary codes its core writes on a movement."""

from __future__ import annotations

from dataclasses import dataclass

# id, name, English, family, counts_as, risk, margin a year
PRODUCTS = (
    ("CUR", "活期存款", "Current account", "current", "deposit", "", 0.0150),
    ("COR", "单位活期存款", "Corporate current account", "current", "deposit", "", 0.0150),
    ("T03M", "整存整取三个月", "Time deposit, 3 months", "time_deposit", "deposit", "", 0.0110),
    ("T06M", "整存整取六个月", "Time deposit, 6 months", "time_deposit", "deposit", "", 0.0110),
    ("T01Y", "整存整取一年", "Time deposit, 1 year", "time_deposit", "deposit", "", 0.0110),
    ("T02Y", "整存整取二年", "Time deposit, 2 years", "time_deposit", "deposit", "", 0.0100),
    ("T03Y", "整存整取三年", "Time deposit, 3 years", "time_deposit", "deposit", "", 0.0080),
    ("T05Y", "整存整取五年", "Time deposit, 5 years", "time_deposit", "deposit", "", 0.0070),
    ("LZLQ", "零存整取", "Instalment savings", "time_deposit", "deposit", "", 0.0110),
    ("DHLB", "定活两便", "Demand or time deposit", "time_deposit", "deposit", "", 0.0120),
    ("N07D", "个人七天通知存款", "Seven-day notice deposit", "notice_deposit", "deposit", "", 0.0120),
    ("CD3Y", "大额存单三年", "Large certificate of deposit, 3 years", "large_cd", "deposit", "", 0.0060),
    ("XDCK", "协定存款", "Agreed deposit", "agreed_deposit", "deposit", "", 0.0090),
    ("LC01", "禾盈代销理财", "Agency wealth product", "wealth", "aum", "R2", 0.0040),
    ("LC02", "禾稳日开理财", "Agency wealth product, daily", "wealth", "aum", "R1", 0.0030),
    ("LC03", "禾丰进取理财", "Agency wealth product, growth", "wealth", "aum", "R3", 0.0055),
    ("BX01", "代理年金保险", "Agency annuity insurance", "insurance", "aum", "R2", 0.0300),
    ("GZ3Y", "储蓄国债三年", "Savings bond, 3 years", "bond", "aum", "R1", 0.0040),
    ("NHXE", "农户小额信用贷", "Farmer small credit loan", "farmer_credit", "none", "", 0.0330),
    ("BMK", "便民卡", "Convenience credit card", "farmer_credit", "none", "", 0.0330),
    ("TPXD", "脱贫人口小额信贷", "Small credit for households lifted out of poverty", "farmer_credit", "none", "", 0.0150),
    ("SYD", "生意贷", "Business loan", "business_loan", "none", "", 0.0270),
    ("LSD", "流水贷", "Turnover loan", "business_loan", "none", "", 0.0280),
    ("SYDS", "税易贷", "Tax loan", "business_loan", "none", "", 0.0240),
    ("GZD", "公职贷", "Public servants' loan", "consumer_loan", "none", "", 0.0210),
    ("XFD", "消费贷", "Consumer loan", "consumer_loan", "none", "", 0.0280),
    ("AJ", "个人住房按揭", "Mortgage", "mortgage", "none", "", 0.0120),
    ("ZXD", "生源地助学贷", "Student loan", "student_loan", "none", "", 0.0080),
    ("CYD", "创业担保贷（贴息）", "Start-up loan (subsidised)", "startup_loan", "none", "", 0.0180),
    ("DWD", "单位流动资金贷", "Corporate working capital loan", "corporate_loan", "none", "", 0.0180),
    ("SJYH", "手机银行", "Mobile banking", "mobile_bank", "none", "", 0.0),
    ("SBK", "社会保障卡", "Social security card", "social_card", "none", "", 0.0),
    ("SKM", "收款码", "Payment code", "acquiring", "none", "", 0.0),
    ("ETC", "ETC", "Electronic toll collection", "etc", "none", "", 0.0),
    ("DFGZ", "代发工资", "Payroll", "payroll", "none", "", 0.0),
)
TENORS = ("T03M", "T06M", "T01Y", "T02Y", "T03Y", "T05Y")
TENOR_MONTHS = (3, 6, 12, 24, 36, 60)
TENOR_NAMES = {
    "T03M": "3M",
    "T06M": "6M",
    "T01Y": "1Y",
    "T02Y": "2Y",
    "T03Y": "3Y",
    "T05Y": "5Y",
    "CD3Y": "3Y",
    "N07D": "7D",
    "CUR": "",
    "COR": "",
    "XDCK": "",
    "GZ3Y": "3Y",
}
STOCK_MIX = (0.04, 0.05, 0.42, 0.12, 0.33, 0.04)  # of the money in time deposits
NEW_MIX = (0.06, 0.07, 0.50, 0.12, 0.23, 0.02)  # of what is newly opened
# posted rates a year, percent, at the five dates on which the bank changed them (fractions of the span; before it: first)
RATE_STEPS = (-1.0, 0.04, 0.14, 0.42, 0.78)
POSTED = {
    "CUR": (0.20, 0.15, 0.10, 0.10, 0.05),
    "COR": (0.20, 0.15, 0.10, 0.10, 0.05),
    "T03M": (1.25, 1.15, 0.95, 0.85, 0.80),
    "T06M": (1.45, 1.35, 1.15, 1.05, 1.00),
    "T01Y": (1.70, 1.55, 1.35, 1.25, 1.15),
    "T02Y": (1.85, 1.65, 1.45, 1.35, 1.20),
    "T03Y": (2.20, 2.00, 1.75, 1.60, 1.50),
    "T05Y": (2.25, 2.05, 1.80, 1.65, 1.55),
    "N07D": (1.00, 0.85, 0.65, 0.55, 0.45),
    "CD3Y": (2.35, 2.15, 1.90, 1.70, 1.55),
    "XDCK": (0.90, 0.75, 0.55, 0.45, 0.40),
    "GZ3Y": (2.38, 2.18, 1.93, 1.78, 1.63),
}
FTP_SPREAD = {"CUR": 1.6, "COR": 1.5, "N07D": 1.2, "CD3Y": 0.6, "XDCK": 0.9, "GZ3Y": 0.4}  # others 1.1


@dataclass(frozen=True)
class Mark:
    """A summary code: what the core writes on a movement and what it means."""

    code: str
    text: str
    category: str
    channel: str
    by: str = "1"  # 1 customer, 2 bank
    whom: str = ""  # own, person, firm, platform, government
    elsewhere: bool = False


MARKS = (
    Mark("KJZF", "快捷支付", "platform_pay", "P", whom="platform"),
    Mark("PTTX", "微信零钱提现", "platform_pay", "P", whom="platform"),
    Mark("ATMQ", "ATM取款", "cash", "A"),
    Mark("GMQK", "柜面取款", "cash", "G"),
    Mark("GMCK", "柜面存款", "cash", "G"),
    Mark("ATMC", "ATM存款", "cash", "A"),
    Mark("SJZC", "手机银行转出", "other_transfer", "M", whom="person", elsewhere=True),
    Mark("SJZR", "转账收入", "other_transfer", "M", whom="person", elsewhere=True),
    Mark("GMZC", "柜面转出", "other_transfer", "G", whom="firm", elsewhere=True),
    Mark("BRZC", "转本人他行", "own_transfer", "M", whom="own", elsewhere=True),
    Mark("BRZR", "本人他行转入", "own_transfer", "M", whom="own", elsewhere=True),
    Mark("GMBR", "柜面转本人他行", "own_transfer", "G", whom="own", elsewhere=True),
    Mark("DFGZ", "代发工资", "payroll", "S", "2", "firm"),
    Mark("YLJ", "养老金", "pension", "S", "2", "government"),
    Mark("HNBT", "惠农补贴", "subsidy", "S", "2", "government"),
    Mark("LSK", "粮款", "grain_sale", "S", "2", "firm"),
    Mark("ZDK", "征地补偿款", "land_compensation", "S", "2", "government"),
    Mark("WGHK", "务工汇款", "migrant_in", "M", whom="own", elsewhere=True),
    Mark("SDJS", "收单结算", "acquiring", "S", "2", "platform"),
    Mark("DQZR", "转存定期", "own_transfer", "G", whom="own"),
    Mark("DQZC", "定期转活期", "own_transfer", "G", whom="own"),
    Mark("DQZD", "定期到期转出", "own_transfer", "S", "2", "own"),
    Mark("DQDR", "定期到期转入", "own_transfer", "S", "2", "own"),
    Mark("LCSG", "理财认购", "invest", "M", whom="own"),
    Mark("LCSH", "理财赎回", "invest", "M", whom="own"),
    Mark("BFKK", "保险缴费", "premium", "G", whom="own"),
    Mark("GZGM", "国债购买", "invest", "G", whom="own"),
    Mark("GZDF", "国债兑付", "invest", "S", "2", "own"),
    Mark("FK", "贷款发放", "loan_out", "S", "2", "own"),
    Mark("HKBJ", "归还本金", "loan_repay", "S", "1", "own"),
    Mark("HKLX", "归还利息", "loan_repay", "S", "1", "own"),
    Mark("HKGX", "还款存入", "cash", "G"),
    Mark("SDQF", "水电燃气费", "utility", "S", whom="firm"),
    Mark("XF", "学费", "tuition", "M", whom="firm", elsewhere=True),
    Mark("YBYF", "医院缴费", "medical", "O", whom="firm"),
    Mark("YBJF", "城乡医保缴费", "social_security", "S", whom="government"),
    Mark("ETCT", "ETC通行费", "other", "S", "2", "firm"),
    Mark("JX", "结息", "interest", "S", "2"),
    Mark("DXF", "短信服务费", "fee", "S", "2"),
    Mark("CZ", "冲正", "platform_pay", "P", "2", "platform"),
    Mark("DWZR", "单位货款收入", "other_transfer", "N", whom="firm", elsewhere=True),
    Mark("DWZC", "单位货款支出", "other_transfer", "N", whom="firm", elsewhere=True),
    Mark("DWGZ", "代发工资支出", "payroll", "N", whom="person"),
    Mark("SK", "缴税", "tax", "N", whom="government"),
    Mark("XDZ", "协定存款划转", "own_transfer", "S", "2", "own"),
    Mark("LCZJ", "理财转出", "invest", "M", whom="own"),
    Mark("POSX", "POS消费", "other", "O", whom="firm"),
)
MARK = {mark.code: place for place, mark in enumerate(MARKS)}
