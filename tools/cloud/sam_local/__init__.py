"""`sam local` with Docker against the embedded cloud. docs/sam-local.md says how to use it and what it leaves out.

`engine` finds or starts a Docker engine, `image` sees to the Lambda runtime's image, `bridge` lets containers reach the
embedded cloud, `emulator` runs `sam local` with all three.
"""
