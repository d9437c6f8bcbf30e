"""The groups people belong to, with their shares, ages, and how many of them really bank here."""

from __future__ import annotations

import numpy as np

GROUPS = ("farmer", "migrant", "merchant", "payroll", "public", "pensioner", "other")
FARMER, MIGRANT, MERCHANT, PAYROLL, PUBLIC, PENSIONER, OTHER = range(7)
CORPORATE = 7
SHARES = np.array([0.58, 0.14, 0.06, 0.11, 0.04, 0.05, 0.02])
AGE_BANDS = ((18, 35), (35, 55), (55, 65), (65, 88))
AGES = np.array(
    [
        [0.08, 0.32, 0.28, 0.32],
        [0.35, 0.50, 0.13, 0.02],
        [0.22, 0.55, 0.18, 0.05],
        [0.33, 0.52, 0.14, 0.01],
        [0.28, 0.52, 0.20, 0],
        [0, 0.02, 0.28, 0.70],
        [0.60, 0.20, 0.10, 0.10],
    ]
)
ENGAGED = np.array([0.26, 0.28, 0.80, 0.64, 0.76, 0.52, 0.4])
