"""`sam local` with Docker against the embedded cloud. docs/sam-local.md explains its use and its limits.

`engine` finds or starts a Docker engine. `image` gets the image of the Lambda runtime. `bridge` connects containers to
the embedded cloud. `emulator` runs `sam local` with all three.
"""
