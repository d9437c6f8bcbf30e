"""The demo bank: an invented rural commercial bank with its people, its files, and the truth behind them."""
