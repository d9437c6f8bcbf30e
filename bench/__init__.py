"""The benchmark: ratios within one run over a bank's home, against a floor and against what one would pick instead."""
