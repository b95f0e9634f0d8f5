"""The archive: every event of the shop without personal data, kept for good, to rebuild projections from."""
