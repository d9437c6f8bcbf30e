"""Sums over rows that lie sorted by customer and day, in one compiled pass each; whole numbers in doubles, exact in any order.

Every kernel takes a span of customers, so that spans run beside each other. Rows come in two streams: the steady ones, which
any as_of sees as soon as their day has come, and `late`, those of one as_of: corrected, told later, or undone. `starts` gives
each customer's first row in a stream (customers + 1 long). Windows are (after, through], as everywhere.
"""
