"""May this model be champion? Checks with their figures, in words."""

from __future__ import annotations

from dataclasses import dataclass

from models.bootstrap import Estimate
from models.evaluate import Difference, Evaluation
from models.one_feature import OneFeatureRule
from models.settings import GateSettings


@dataclass(frozen=True)
class Check:
    """One question to a model, and the answer as people read it."""

    name: str
    passed: bool
    zh: str
    en: str


@dataclass(frozen=True)
class Verdict:
    """All checks; a model passes when each does."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def reasons_zh(self) -> tuple[str, ...]:
        """What failed; where nothing did, what was shown."""
        return tuple(check.zh for check in self.checks if self.passed or not check.passed)

    @property
    def reasons_en(self) -> tuple[str, ...]:
        return tuple(check.en for check in self.checks if self.passed or not check.passed)


def too_few(positives: int, least: int) -> Verdict:
    """The verdict where there is not enough to learn a model from."""
    return Verdict(
        (
            Check(
                "enough_positives",
                False,
                f"历史上只有{positives:,}位客户发生过，不足{least:,}位，暂不建模，按分群比率给出概率和区间。",
                f"Only {positives:,} customers have had this outcome, fewer than the {least:,} a model needs: the rate of the "
                "customer's segment is shown with its interval.",
            ),
        )
    )


def judge(evaluation: Evaluation, rule: OneFeatureRule, against_rule: Difference, settings: GateSettings) -> Verdict:
    """Does it beat the base rate and the best one-feature rule, and does it promise what comes?"""
    return Verdict((_ranks(evaluation), _informs(evaluation), _beats_rule(rule, against_rule), _keeps(evaluation, settings)))


def _span(estimate: Estimate, digits: int = 3) -> str:
    return f"{estimate.value:.{digits}f} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"


def _ranks(evaluation: Evaluation) -> Check:
    passed = evaluation.roc_auc.low > 0.5
    zh, en = ("优于", "better than") if passed else ("不能确认优于", "not surely better than")
    return Check(
        "beats_chance",
        passed,
        f"排序能力（ROC AUC）{_span(evaluation.roc_auc)}，{zh}随机排序0.5。",
        f"ROC AUC {_span(evaluation.roc_auc)}: {en} chance at 0.5.",
    )


def _informs(evaluation: Evaluation) -> Check:
    passed = evaluation.log_loss.value < evaluation.log_loss_base.value
    zh, en = ("低于", "below") if passed else ("不低于", "not below")
    return Check(
        "beats_base_rate",
        passed,
        f"概率的对数损失{evaluation.log_loss.value:.4f}，{zh}统一使用平均发生率的{evaluation.log_loss_base.value:.4f}。",
        f"Log loss {evaluation.log_loss.value:.4f}, {en} the {evaluation.log_loss_base.value:.4f} of giving everyone "
        "the base rate.",
    )


def _beats_rule(rule: OneFeatureRule, difference: Difference) -> Check:
    passed = difference.roc_auc.value > 0
    zh, en = ("优于", "ahead of") if passed else ("不优于", "not ahead of")
    doubt_zh, doubt_en = ("，但尚不能确认", ", though not surely") if passed and difference.roc_auc.low <= 0 else ("", "")
    return Check(
        "beats_one_feature",
        passed,
        f"{zh}只看“{rule.feature}”一项的做法{doubt_zh}，ROC AUC相差{_span(difference.roc_auc)}。",
        f"{en.capitalize()} ranking by '{rule.feature}' alone{doubt_en}: difference in ROC AUC {_span(difference.roc_auc)}.",
    )


def _keeps(evaluation: Evaluation, settings: GateSettings) -> Check:
    ratio = evaluation.observed_expected
    passed = ratio.low <= 1 <= ratio.high or settings.expected_from <= ratio.value <= settings.expected_to
    zh, en = ("相符", "agree") if passed else ("不符", "do not agree")
    return Check(
        "keeps_promises",
        passed,
        f"实际发生与预计之比{_span(ratio, 2)}，两者{zh}。",
        f"Observed over expected {_span(ratio, 2)}: the two {en}.",
    )
