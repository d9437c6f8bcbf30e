"""What the command line says, in Chinese and in English."""

from __future__ import annotations

from typing import Literal

Language = Literal["zh", "en"]

_WORDS: dict[str, tuple[str, str]] = {
    "already": ("{bank}：{as_of} 的名单（第{version}版）此前已发布，本次核对内容完全一致，无需重跑。",
                "{bank}: the night of {as_of} is already published (version {version}) and identical."),
    "already_differs": ("{bank}：{as_of} 的名单（第{version}版）已发布，但之后有变化：{what}。"
                        "已发布的名单保持不变；如需按新情况出第{next}版，请加 --new-version。",
                        "{bank}: the night of {as_of} is already published (version {version}), but since then these changed:"
                        " {what}. The published list stays as it is; to make version {next}, add --new-version."),
    "published": ("{bank}：{as_of} 名单已发布（第{version}版）。",
                  "{bank}: the lists of {as_of} are published (version {version})."),
    "where": ("名单位置：{path}", "Lists: {path}"),
    "names": ("共 {names} 户，分给 {owners} 位负责人。", "{names} names for {owners} managers."),
    "names_branches": ("共 {names} 户，分给 {owners} 个网点。", "{names} names for {owners} branches."),
    "step": ("步骤", "Step"), "seconds": ("用时（秒）", "Seconds"), "note": ("说明", "Note"), "total": ("合计", "Total"),
    "done_before": ("此前已完成", "done before"),
    "waiting": ("等待中，最晚等到 {until}：{what}", "Waiting until {until}: {what}"),
    "resuming": ("上次中断的一晚，已从中断处续完。", "The last start did not finish; this one went on where it stood."),
    "making_demo": ("没有演示银行的数据，先生成一家（{customers} 名客户）。",
                    "There is no data of the demo bank yet; making one of {customers} customers."),
    "demo_made": ("演示银行已生成：{path}", "The demo bank is at {path}"),
    "day_delivered": ("{day} 的文件已送达；还有 {left} 天未送。",
                      "The files of {day} are delivered; {left} days are still to come."),
    "nothing_coming": ("没有留待送达的日期；用 --daily 和 --hold-back 生成。",
                       "No day is held back; make some with --daily and --hold-back."),
    "failed": ("未完成", "Failed"), "refused": ("停止：{why}", "Stopped: {why}"),
    "kept": ("上一份已发布的名单继续有效。", "The last published list stays in force."),
    "unforeseen": ("出现意外错误（{kind}），位置 {place}。", "An unforeseen error ({kind}) at {place}."),
    "details": ("详情见 {log}（仅当前用户可读）。", "The details are in {log}, readable by this user only."),
    "config": ("配置", "configuration"), "code": ("程序", "code"), "input": ("数据 {name}", "data {name}"),
    "champion": ("模型 {name}", "model {name}"),
    "there_is": ("样本{cohort:,}户次，正样本{positives:,}（{people:,}户），截止日{cutoff}；可用模型需{least:,}户。",
                 "Cohort {cohort:,} (customers times dates), positives {positives:,} of {people:,} customers, cutoff {cutoff};"
                 " a model needs {least:,} customers."),
    "by_month": ("各月正样本比例：{rates}", "Base rate per month: {rates}"),
    "list_id": ("名单", "list"), "hours": ("工时", "hours"), "listed": ("户数", "names"), "queue": ("候选", "queue"),
    "rank": ("序号", "#"), "customer": ("客户号", "customer"), "tier_of": ("客户等级", "tier"), "offer": ("产品推荐", "offer"),
    "band": ("可能性", "band"), "high": ("高", "high"), "middle": ("中", "middle"), "low": ("低", "low"),
    "value": ("预计年价值", "value"), "reasons": ("入选理由", "reasons"),
    "operating": ("{bank}：已开始值守。每晚 {nightly}，每周 {weekly}，每月 {monthly}（cron，{zone}）；"
                  "服务地址 {address}。按 Ctrl-C 停止。",
                  "{bank}: operating. Nightly {nightly}, weekly {weekly}, monthly {monthly} (cron, {zone});"
                  " server at {address}. Ctrl-C stops."),
    "owed": ("停机期间错过或中断的任务，现在补一次：{name}", "Missed or cut off while nobody operated, started now: {name}"),
    "nightly": ("每晚名单", "nightly"), "weekly": ("每周监测与回放", "weekly"), "monthly": ("每月重新训练与整理", "monthly"),
    "part_ended": ("{part}意外停止，全部停下；由 systemd 等重新启动后，会从中断处继续。",
                   "{part} ended by itself, so all is stopped; started again, by systemd say, it goes on where it stood."),
    "server": ("Prefect 服务", "Prefect's server"), "worker": ("Prefect 执行器", "Prefect's worker"),
    "steps_of": ("{as_of} 一晚的步骤", "Steps of the night of {as_of}"), "night_in_short": ("当晚简报", "The night in short"),
    "drifted": ("训练以来的漂移", "What has drifted since the champions learned"),
    "caught": ("过去的名单命中了多少", "What past lists caught"),
    "retrained": ("重新训练之后的模型", "Champions after retraining"),
    "removed": ("清理旧文件 {count} 个", "{count} old files removed"), "challenger": ("（未取代现用模型）", " (challenger)"),
    "model": ("模型", "model"), "segment_rate": ("分群比率", "segment rate"),
    "count_names": ("名单户数", "names"), "count_managers": ("客户经理", "managers"), "count_branches": ("网点", "branches"),
    "count_workbooks": ("工作簿", "workbooks"),
    "unit_take_in": ("{note} 行", "{note} rows"), "unit_features": ("{note} 户", "{note} customers"),
    "unit_training_features": ("{note} 个月末", "{note} month ends"), "unit_labels": ("{note} 个标签", "{note} labels"),
    "unit_pin": ("{note} 个模型", "{note} models"), "unit_score": ("{note} 个分数", "{note} scores"),
    "unit_tiers": ("{note} 户", "{note} customers"), "unit_list": ("{note} 户", "{note} names"),
    "no_list": ("还没有已发布的名单。", "No list is published yet."),
    "take_in": ("接收并检查数据", "take in and check"), "features": ("计算特征", "features"),
    "training_features": ("历史月末特征", "features of past month ends"), "labels": ("样本标签", "labels"),
    "train": ("训练 {name}", "train {name}"), "pin": ("锁定模型", "pin models"), "score": ("打分", "score"),
    "tiers": ("客户分层", "tiers"), "list": ("生成名单", "make the list"), "workbooks": ("生成工作簿", "workbooks"),
    "publish": ("发布", "publish"), "summary": ("汇总", "summary"),
    "fingerprints": ("核对数据指纹", "fingerprint the inputs"),
    "look": ("查找文件", "look for files"), "fetch": ("取数 {name}", "fetch {name}"), "read": ("读取 {name}", "read {name}"),
    "map": ("转换 {name}", "map {name}"), "check": ("检查 {name}", "check {name}"), "write": ("写入 {name}", "write {name}"),
    "rebuild": ("用落地数据重建 {name}", "make {name} again from what was landed"),
    "into_force": ("数据生效", "bring the data into force"),
    "running": ("核对余额", "running balances"), "people": ("核对合并的客户号", "merged customer numbers"),
    "quality": ("质量报告", "quality report"),
}


def say(language: Language, key: str, **values: object) -> str:
    """The sentence of that key."""
    return _WORDS[key][0 if language == "zh" else 1].format(**values)


def step_name(language: Language, step: str) -> str:
    """A step as people read it: `train churn_aum` is 训练 churn_aum."""
    family, _, name = step.partition(" ")
    return say(language, family, name=name) if family in _WORDS else step


def noted(language: Language, step: str, note: str) -> str:
    """What a step left, as people read it: the 120 of `features` are 120 customers."""
    if f"unit_{step}" in _WORDS:
        return say(language, f"unit_{step}", note=note)
    return say(language, note) if note in ("model", "segment_rate") else note


def difference(language: Language, what: str) -> str:
    """A difference of run keys as people read it: `input loans` is 数据 loans."""
    family, _, name = what.partition(" ")
    return say(language, family, name=name) if family in _WORDS else what
