"""Ground floor: atomic files, fingerprints, settings from YAML, the run ledger. Knows nothing of banks."""
