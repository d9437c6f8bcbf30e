"""From the bank's files and databases to canonical tables: mapping, contract, quarantine, quality report."""
