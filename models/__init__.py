"""Tiers, churn, propensity and value: training, calibration, evaluation, explanation, registry."""
