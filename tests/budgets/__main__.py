"""`make budgets`: measures what may not grow unnoticed, and writes it into budgets.json."""

from tests.budgets import calls, file, packages

found = calls.measured()
file.write({**packages.measured(), "calls": found})
print(calls.markdown(found))
print("\ntests/budgets/budgets.json is renewed; its diff shows what a change costs.")
