"""What may not grow unnoticed: modules of a cold start, sizes of packages, calls of AWS. budgets.json has the figures.

`make budgets` measures them anew; a diff of the file shows what a change costs, and the commit says why.
"""

import tools  # noqa: F401 - makes the packages of the services importable
