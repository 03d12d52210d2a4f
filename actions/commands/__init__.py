"""Commands of `python -m actions`; each module registers itself and runs."""
