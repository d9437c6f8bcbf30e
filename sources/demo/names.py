"""Names, phones and identity numbers of nobody real."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sources.demo.chance import Bools, Ints, pick
from sources.demo.columns import days, numbered, texts

SURNAMES = "刘陈李王张周罗谢曾谭杨黄吴肖邓唐彭何胡段龙廖颜苏梁"
SURNAME_WEIGHTS = np.array([9.5, 8.6, 8.2, 6.5, 6.1, 5.2, 5.0, 4.6, 4.2, 4.0] + [1.8] * 15)
GIVEN = {  # by birth decade: women, men
    1940: ("秀英 桂英 玉兰 凤英 菊英 春秀 冬秀 兰英 桃秀 满秀", "建国 德富 国良 光明 正清 福生 德华 家善 玉堂 长生"),
    1960: ("丽华 建华 桂兰 秋菊 小英 爱莲 春梅 美英 红英 玉梅", "建军 志强 国庆 建平 卫东 志刚 爱国 新华 小平 红兵"),
    1980: ("丽 婷 娟 艳 海燕 小红 芳 敏 春燕 雪梅", "勇 伟 军 磊 涛 志勇 海军 斌 文斌 建波"),
    1995: ("子涵 欣怡 诗琪 雨欣 梦婷 佳怡 思琪 雅婷 婷婷 慧敏", "浩 子豪 俊杰 宇轩 鑫 文杰 志豪 嘉豪 明轩 博文"),
}
MIDDLES_F, MIDDLES_M = "秀玉春小美桂海雪晓文", "志国建文海光小明新永"


def person_names(rng: np.random.Generator, born: Ints, woman: Bools) -> pa.Array:
    """A surname by frequency and a given name of the birth decade."""
    count = len(born)
    surname = texts(SURNAMES, pick(rng, SURNAME_WEIGHTS, count))
    decade = np.searchsorted(np.array([1960, 1980, 1995]), born, side="right")
    choice = rng.integers(0, 10, count)
    middle = rng.integers(0, 10, count)
    longer = rng.random(count) < 0.55
    known = [name for pair in GIVEN.values() for names in pair for name in names.split()]
    given = (decade * 2 + np.where(woman, 0, 1)) * 10 + choice
    single = np.array([len(name) == 1 for name in known])[given]
    middles = texts(["", *MIDDLES_F, *MIDDLES_M], np.where(single & longer, 1 + middle + np.where(woman, 0, 10), 0))
    parts = [part.cast(pa.string()) for part in (surname, middles, texts(known, given))]
    return pc.binary_join_element_wise(*parts, "")


def identity_numbers(rng: np.random.Generator, born: np.ndarray, woman: Bools) -> pa.Array:
    """18 digits of an invented county (439901) whose check digit is wrong on purpose."""
    count = len(born)
    sequence = rng.integers(0, 499, count) * 2 + np.where(woman, 0, 1)
    number = (439_901 * 10**8 + days(born).cast(pa.int64()).to_numpy()) * 1_000 + sequence
    weighed = np.zeros(count, dtype=np.int64)
    for place, weight in enumerate((7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)):
        weighed += number // 10 ** (16 - place) % 10 * weight
    wrong = (weighed + rng.integers(1, 9, count)) % 11
    return pc.binary_join_element_wise(numbered("", number, 17), texts("10X98765432", wrong).cast(pa.string()), "")


def phones(rng: np.random.Generator, count: int) -> pa.Array:
    """199-0000-xxxx: a block nobody has."""
    return numbered("1990000", rng.integers(0, 10_000, count), 4)
