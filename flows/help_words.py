"""What `--help` says, in Chinese: shown in a Chinese locale. The English stands beside each command in `flows/cli.py`."""

from __future__ import annotations

from typing import Any

_CHINESE: dict[str, str] = {
    "Customer tiers, churn and propensity scores, and explained target lists, every night.":
        "客户分层、流失与购买倾向、带入选理由的目标名单，每晚一份。",
    "Make the demo bank: files as a county bank sends them, with known truths beside them.":
        "生成演示银行：文件与县域银行下发的一样，另附已知的真实答案。",
    "Take the bank's data in, and say what a data steward should mend.": "接收并检查本行数据，列出数据管理员需要整改的问题。",
    "Write one row per customer and as_of.": "按客户和数据日期输出特征，每户每日一行。",
    "Every feature: name, unit, window, meaning, sensitivity, and whether a manager can act on it.":
        "特征目录：名称、单位、窗口、含义、敏感性，客户经理能否据此行动。",
    "Train on what was known at the date; what passes the gate becomes champion.":
        "用截至该日已知的数据训练；通过检验的成为现用模型。",
    "Tonight's lists, from the bank's files to the managers' workbooks. Exit codes: 0 published, 3 already published,"
    " 10 data did not come, 20 a gate broke, 30 resumed and failed, 40 configuration, 50 another run holds the bank,"
    " 60 the machine: memory, disk, a process or a file.":
        "今晚的名单：从本行文件到客户经理的工作簿。退出码：0 已发布，3 此前已发布，10 数据未到，20 检查未通过，"
        "30 续跑后再次失败，40 配置有误，50 另有任务正在运行，60 机器问题（内存、磁盘、进程或文件）。",
    "Replay past month ends as if each were the night it was, and say what the lists would have caught.":
        "按当时已知的数据回放过去的月末，看名单能命中多少。",
    "What is published: dates, versions, names per owner; with --owner the rows of one list.":
        "已发布的名单：日期、版本、每位负责人的户数；加 --owner 看其中一份。",
    "Why a customer is, or is not, on the list.": "某位客户为什么在名单上，或为什么不在。",
    "The statement of a customer's tier that a branch may hand over: figures, distance up, what would lose it.":
        "可交给客户的等级说明：依据的数字、离上一级差多少、什么情况会降级。",
    "Thresholds in force, who is in which tier, what clustering proposes, and how head office approves it.":
        "现行分层门槛、各级人数、聚类建议，以及总行如何审批。",
    "Start Prefect's server and worker and register the nightly, weekly and monthly deployments; Ctrl-C stops all.":
        "启动 Prefect 服务与执行器，登记每晚、每周、每月的任务；按 Ctrl-C 全部停止。",
    "Where everything made is kept.": "所有产出存放的文件夹。",
    "Customers with a deposit account on the last day.": "最后一天有存款账户的客户数。",
    "Default: 27, above 50,000 customers 13.": "月数；默认 27 个月，超过 5 万名客户为 13 个月。",
    "The last N business days come as files of their own.": "最后 N 个工作日各为单独一批文件。",
    "The last M of those days wait for --next-day.": "其中最后 M 天暂不送达，用 --next-day 逐日送达。",
    "Only deliver the next of the days that wait.": "只送达下一个待送日期的文件。",
    "Folder; default HOME/demo-bank.": "文件夹；默认 HOME/demo-bank。",
    "Default: the bank's.": "默认用本行设定的语言。",
    "Bank file; default configs/banks/demo.yaml.": "银行配置文件；默认 configs/banks/demo.yaml。",
    "Also write it to this file.": "同时写入该文件。",
    "May be repeated.": "可重复填写。",
    "A .parquet or .csv file.": "以 .parquet 或 .csv 结尾的文件。",
    "Business date; default the newest.": "业务日期；默认最新一天。",
    "Only this label; may be repeated.": "只用这个标签；可重复填写。",
    "Publish version N+1 of a published date.": "为已发布的日期再出一版（第 N+1 版）。",
    "A date gone by, or without --as-of all that were missed.": "补跑过去某一天；不写 --as-of 则补跑最近漏掉的各天。",
    "Wait for missing files until the bank's set hour.": "数据未到时等待，最晚等到本行设定的时刻。",
    "What runs the steps.": "由谁执行各步骤。",
    "A list: its rows, without names.": "某一份名单的各行，不含姓名。",
    "Who asks.": "由谁查看。",
    "Of Prefect's server, on this machine only.": "Prefect 服务的端口，仅限本机访问。",
    "Show this message and exit.": "显示本说明。",
}


def in_chinese(command: Any) -> Any:
    """The command and all below it, with their help in Chinese; what has no twin stays English."""
    for one in (command, *getattr(command, "commands", {}).values()):
        one.help = twin(one.help)
        for option in one.params:
            if getattr(option, "help", None):
                option.help = twin(option.help)
    return command


def twin(text: str | None) -> str | None:
    """The Chinese of a help text, whatever its line breaks."""
    return text if text is None else _CHINESE.get(" ".join(text.split()), text)
