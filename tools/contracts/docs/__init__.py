"""Checks of everything that a person reads here: references exist (`references`), sentences are plain (`english`)."""
