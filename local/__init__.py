"""The embedded cloud: the whole system on this machine, without Docker and without an AWS account.

`python -m local up` starts MiniStack on loopback and runs the same `sam build` and `sam deploy` against it as against
AWS. What MiniStack does differently from AWS is levelled out in one place, `local.workarounds`.
"""
