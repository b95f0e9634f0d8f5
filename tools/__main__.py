"""Runs the embedded cloud and the shop on it, operates a stack there or on AWS, and renews the published contracts."""

import sys

from tools.command_line import Tools, run

TOOLS: Tools = {
    "tools.cloud.lifecycle": ("up", "down"),
    "tools.cloud.outputs": ("outputs",),
    "tools.cloud.sam_local.command": ("sam-local",),
    "tools.dev.command": ("dev", "sync"),
    "tools.dev.debug": ("debug",),
    "tools.shop.seed": ("seed",),
    "tools.shop.demo": ("demo",),
    "tools.shop.smoke": ("smoke",),
    "tools.shop.sign_up": ("token",),
    "tools.shop.watch": ("watch",),
    "tools.ops.url": ("url",),
    "tools.ops.logs": ("logs",),
    "tools.ops.trace": ("trace",),
    "tools.ops.attention": ("attention",),
    "tools.ops.resume": ("resume",),
    "tools.ops.dlq": ("dlq", "redrive"),
    "tools.ops.rebuild": ("rebuild",),
    "tools.ops.report": ("report",),
    "tools.ops.rotate": ("rotate",),
    "tools.ops.sign_out": ("sign-out",),
    "tools.ops.rollback": ("checkpoint", "rollback"),
    "tools.bill.command": ("bill",),
    "tools.permissions.command": ("permissions",),
    "tools.leaks.command": ("leaks",),
    "tools.data_map.command": ("data-map",),
    "tools.lanes": ("lanes",),
    "tools.slowest": ("slowest",),
    "tools.contracts.openapi.command": ("openapi",),
    "tools.contracts.asyncapi": ("asyncapi",),
    "tools.contracts.events.command": ("events",),
    "tools.contracts.release_notes": ("release-notes",),
    "tools.contracts.agents": ("agents",),
    "tools.contracts.docs.contents": ("decisions",),
    "tools.contracts.docs.site": ("docs-pages",),
    "tools.contracts.deployed": ("resources",),
    "tools.scan.command": ("scan",),
    "tools.import_roots": ("services",),
    "tools.fork.rename": ("rename",),
    "tools.fork.without": ("without",),
    "tools.fork.trial": ("fork-tried",),
    "tools.new.command": ("new-service", "new-route", "new-event", "new-consumer"),
}


def main() -> int:
    """Runs the command that the arguments name; returns the exit code to end with."""
    return run(sys.argv[1:], TOOLS, description=__doc__)


if __name__ == "__main__":
    sys.exit(main())
