"""The archive: every event of the shop without personal data, stored permanently, to rebuild projections from."""
