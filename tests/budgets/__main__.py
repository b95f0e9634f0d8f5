"""`make budgets`: measures what may not grow unnoticed, and writes it into budgets.json."""

from tests.budgets import calls, file, packages

file.write({**packages.measured(), "calls": calls.measured()})
print("tests/budgets/budgets.json is renewed; its diff shows what a change costs.")
