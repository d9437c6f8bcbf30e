"""Names, phones and identity numbers of nobody real."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Bools, Ints, pick

SURNAMES = "刘陈李王张周罗谢曾谭杨黄吴肖邓唐彭何胡段龙廖颜苏梁"
SURNAME_WEIGHTS = np.array([9.5, 8.6, 8.2, 6.5, 6.1, 5.2, 5.0, 4.6, 4.2, 4.0] + [1.8] * 15)
GIVEN = {  # by birth decade: women, men
    1940: ("秀英 桂英 玉兰 凤英 菊英 春秀 冬秀 兰英 桃秀 满秀", "建国 德富 国良 光明 正清 福生 德华 家善 玉堂 长生"),
    1960: ("丽华 建华 桂兰 秋菊 小英 爱莲 春梅 美英 红英 玉梅", "建军 志强 国庆 建平 卫东 志刚 爱国 新华 小平 红兵"),
    1980: ("丽 婷 娟 艳 海燕 小红 芳 敏 春燕 雪梅", "勇 伟 军 磊 涛 志勇 海军 斌 文斌 建波"),
    1995: ("子涵 欣怡 诗琪 雨欣 梦婷 佳怡 思琪 雅婷 婷婷 慧敏", "浩 子豪 俊杰 宇轩 鑫 文杰 志豪 嘉豪 明轩 博文"),
}
MIDDLES_F, MIDDLES_M = "秀玉春小美桂海雪晓文", "志国建文海光小明新永"


def person_names(rng: np.random.Generator, born: Ints, woman: Bools) -> list[str]:
    """A surname by frequency and a given name of the birth decade."""
    count = len(born)
    surname = np.array(list(SURNAMES))[pick(rng, SURNAME_WEIGHTS, count)]
    decade = np.searchsorted(np.array([1960, 1980, 1995]), born, side="right")
    choice = rng.integers(0, 10, count)
    middle = rng.integers(0, 10, count)
    longer = rng.random(count) < 0.55
    table = np.array([[w.split() for w in pair] for pair in GIVEN.values()])
    given = table[decade, np.where(woman, 0, 1), choice]
    middles = np.where(woman, np.array(list(MIDDLES_F))[middle], np.array(list(MIDDLES_M))[middle])
    single = np.char.str_len(given) == 1
    full = np.char.add(np.where(single & longer, middles, ""), given)
    return [str(x) for x in np.char.add(surname, full)]


def identity_numbers(rng: np.random.Generator, born: np.ndarray, woman: Bools) -> list[str]:
    """18 digits of an invented county (439901) whose check digit is wrong on purpose."""
    count = len(born)
    ymd = np.char.replace(born.astype("datetime64[D]").astype(str), "-", "")
    sequence = rng.integers(0, 499, count) * 2 + np.where(woman, 0, 1)
    body = np.char.add(np.char.add("439901", ymd), np.char.zfill(sequence.astype(str), 3))
    digits = np.frombuffer("".join(body).encode(), dtype=np.uint8).reshape(count, 17).astype(np.int64) - 48
    weights = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
    wrong = (digits @ weights + rng.integers(1, 9, count)) % 11
    return [str(x) for x in np.char.add(body, np.array(list("10X98765432"))[wrong])]


def phones(rng: np.random.Generator, count: int) -> list[str]:
    """199-0000-xxxx: a block nobody has."""
    return [f"1990000{x:04d}" for x in rng.integers(0, 10_000, count)]
