"""`make new-service`: a service with the chosen parts, and all of its registrations."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tools.new import example_events
from tools.new.changes import Changes
from tools.new.plan import Plan
from tools.new.rendering import rendered
from tools.new.saga import join_saga
from tools.new.template_text import TEMPLATE, after_line, before_line, heading
from tools.services import camel

_LAST_SECTION = "  # CLEANUP: removes orphaned pictures, daily; looks for dead letters"
_SECONDS_OF_AN_ERASURE = 60


def changes_for(plan: Plan) -> Changes:
    """All changes that make the service; raises StepError if it cannot be made."""
    plan.check()
    example_events.require_known((*plan.consumes, *plan.projects))
    changes = Changes()
    values = {**plan.values, "latest": example_events.latest_versions()}
    for name, template in _files(plan):
        changes.add(name, rendered(template, values))
    for name, example in _examples(plan):
        changes.add(f"events/{plan.package}_{name}.json", example_events.written(example))
    changes.replace(TEMPLATE, _registered(changes.text(TEMPLATE), plan))
    for page, change in (
        ("docs/architecture.md", _in_architecture),
        ("docs/encryption.md", _in_encryption),
        ("docs/operations.md", _in_operations),
    ):
        changes.replace(page, change(changes.text(page), plan))
    if plan.steps:
        join_saga(changes, plan)
    return changes


def _files(plan: Plan) -> Iterator[tuple[str, str]]:
    """Each new file with its template."""
    root, package = f"services/{plan.package}", f"services/{plan.package}/{plan.package}"
    tests, one = f"tests/component/{plan.package}", plan.one
    known = plan.values["projected"]
    parts: dict[tuple[str, str], bool] = {
        (f"{root}/Makefile", "service/Makefile"): True,
        (f"{root}/README.md", "service/README.md"): True,
        (f"{root}/service.toml", "service/service.toml"): plan.has_table or bool(plan.projects),
        (f"{package}/__init__.py", "service/package/__init__.py"): True,
        (f"{package}/dependencies.py", "service/package/dependencies.py"): plan.has_table
        or bool(plan.projects),
        (f"{package}/domain/__init__.py", "service/package/domain/__init__.py"): plan.has_table
        or bool(plan.projects),
        (f"{package}/domain/events.py", "service/package/domain/events.py"): plan.has_table,
        (f"{package}/domain/{one}.py", "service/package/domain/thing.py"): plan.has_table,
        (f"{package}/domain/known_{known}.py", "service/package/domain/known.py"): bool(known),
        (f"{package}/adapters/__init__.py", "service/package/adapters/__init__.py"): plan.has_table
        or bool(known),
        (f"{package}/adapters/{one}_store.py", "service/package/adapters/thing_store.py"): plan.has_table,
        (f"{package}/adapters/known_{known}_store.py", "service/package/adapters/known_store.py"): bool(
            known
        ),
        (f"{package}/adapters/cursors.py", "service/package/adapters/cursors.py"): plan.routes,
        (f"{package}/functions/__init__.py", "service/package/functions/__init__.py"): True,
        (f"{package}/functions/api.py", "service/package/functions/api.py"): plan.routes,
        (f"{package}/functions/views.py", "service/package/functions/views.py"): plan.routes,
        (f"{package}/functions/relay.py", "service/package/functions/relay.py"): plan.has_table,
        (f"{package}/functions/follow.py", "service/package/functions/follow.py"): bool(plan.follows),
        (f"{package}/functions/steps.py", "service/package/functions/steps.py"): plan.steps,
        (f"{package}/functions/expire.py", "service/package/functions/expire.py"): bool(plan.schedule),
        (f"tests/unit/test_{plan.package}_domain.py", "tests/unit_domain.py"): plan.has_table,
        (f"{tests}/conftest.py", "tests/conftest.py"): True,
        (f"{tests}/test_api.py", "tests/test_api.py"): plan.routes,
        (f"{tests}/test_audited_routes.py", "tests/test_audited_routes.py"): plan.routes,
        (f"{tests}/test_follow.py", "tests/test_follow.py"): bool(plan.consumes or plan.projects),
        (f"{tests}/test_erasure.py", "tests/test_erasure.py"): plan.has_table,
        (f"{tests}/test_relay.py", "tests/test_relay.py"): plan.has_table,
        (f"{tests}/test_expire.py", "tests/test_expire.py"): bool(plan.schedule),
        (f"{tests}/test_steps.py", "tests/test_steps.py"): plan.steps,
    }
    return (entry for entry, wanted in parts.items() if wanted)


def _examples(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each function with what triggers it."""
    service = plan.values["Service"]
    about = "ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"
    if plan.routes:
        yield "api", example_events.request(plan.values["path"], {"about": about})
    if plan.has_table:
        yield "relay", example_events.change(*_opened(plan, about), table=f"{service}Table")
    if plan.follows:
        yield "follow", example_events.batch(plan.follows, f"{service}FollowQueue")
    if plan.steps:
        yield from ((f"steps_{name}", example_events.step(name)) for name in ("open", "close"))
    if plan.schedule:
        yield "expire", example_events.schedule(f"{service}ExpireFunction")


def _opened(plan: Plan, about: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An item of the table, and the event that it was opened by."""
    identifier, now, correlation = (
        plan.values["example_id"],
        "2026-11-21T10:15:07.250Z",
        "3d2b8f0e-7c1a-4a52-9c1e-0f6f2f5f9a10",
    )
    item = {
        "pk": identifier,
        f"{plan.one}_id": identifier,
        "about": about,
        "customer_id": "c7d6e8b4-50a1-70a6-1c0b-0d5f3a1b9e42",
        "status": "open",
        "correlation_id": correlation,
        "opened_at": now,
        "changed_at": now,
        "version": 1,
    }
    event = {
        "event_id": f"{identifier}:1:{plan.one}.opened",
        "event_type": f"{plan.one}.opened",
        "event_version": 1,
        "occurred_at": now,
        "aggregate_id": identifier,
        "aggregate_version": 1,
        "correlation_id": correlation,
        "causation_id": None,
        "data": {f"{plan.one}_id": identifier, "about": about},
    }
    return item, event


def _registered(text: str, plan: Plan) -> str:
    """template.yaml with the service's section, and with its name in each list."""
    service, path = plan.values["Service"], plan.values["path"]
    text = before_line(text, "    - ${Service}LogGroup:", f"      - {service}\n")
    shown = f"                - {{value: {service}, label: {plan.package}}}\n"
    text = before_line(text, "                - {value: Notifications, label: notifications}", shown)
    if plan.has_table:
        text = before_line(text, "    - ${Owner}RelayLagAlarm:", f"      - {service}\n")
        of_jobs = "                  - !GetAtt JobsHangingAlarm.Arn"
        text = before_line(text, of_jobs, f"                  - !GetAtt {service}RelayLagAlarm.Arn\n")
    if plan.routes:
        text = re.sub(r"(- Service\n    - \[Users, [^\]]+)\]", rf"\1, {service}]", text, count=1)
        text = before_line(
            text, "      Auth:", rendered("template/paths.yaml", plan.values), after="      DefinitionBody:"
        )
        text = after_line(
            text,
            "            /orders: orders, with their shipping addresses",
            f"            {path}: {plan.values['words']}\n",
        )
    if plan.follows:
        text = with_queue(text, f"{service}Follow", plan.follows)
    place = text.rindex("  # ====", 0, text.index(_LAST_SECTION))
    return text[:place] + _section(plan) + text[place:]


def subscriptions_of(consumer: str, types: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    """The name, the topic and the types of each subscription: events about users have a topic of their own."""
    of_users = [event_type for event_type in types if event_type.startswith("user.")]
    others = [event_type for event_type in types if event_type not in of_users]
    name = f"{consumer}UsersSubscription" if others else f"{consumer}Subscription"
    return [
        *([(f"{consumer}Subscription", "DomainEventsTopic", others)] if others else []),
        *([(name, "UserEventsTopic", of_users)] if of_users else []),
    ]


def with_queue(text: str, consumer: str, types: Sequence[str]) -> str:
    """template.yaml with a consumer's queue in each list of queues, and its subscription before the users' relay."""
    for name, topic, _ in subscriptions_of(consumer, types):
        if topic == "UserEventsTopic":
            text = before_line(
                text, "    Properties:", f"      - {name}\n", after="      - UsersCloseAccountSubscription"
            )
    text = before_line(
        text, "      PolicyDocument:", f"        - !Ref {consumer}Queue\n", after="  DomainEventsQueuePolicy:"
    )
    text = before_line(text, "    - ${Consumer}DeadLetterQueue:", f"      - {consumer}\n")
    text = before_line(
        text, "              - !Ref RelayDeadLetterQueue", f"              - !Ref {consumer}DeadLetterQueue\n"
    )
    text = before_line(
        text,
        "                - !GetAtt RelayDeadLetterQueue.Arn",
        f"                - !GetAtt {consumer}DeadLetterQueue.Arn\n",
    )
    text = before_line(
        text,
        "              - !Sub Relay=${RelayDeadLetterQueue.QueueName}=",
        f"              - !Sub {consumer}=${{{consumer}DeadLetterQueue.QueueName}}=${{{consumer}Queue.QueueName}}\n",
    )
    return after_line(
        text,
        "              Resource: # each consumer's queue",
        f"                - !GetAtt {consumer}Queue.Arn\n",
    )


def log_alone(service: str, *, first: bool) -> str:
    """The statement that lets a function log to its service's group alone; the first one has the anchor."""
    anchor = f"{service.lower()}-log-alone"
    if not first:
        return f"*{anchor}"
    return f"&{anchor} {{Effect: Deny, Action: *logging, NotResource: !GetAtt {service}LogGroup.Arn}}"


def _section(plan: Plan) -> str:
    service = plan.values["Service"]
    parts: list[tuple[str, str, bool]] = [
        ("Tables, buckets, accounts, secrets", "table", plan.has_table),
        ("Tables, buckets, accounts, secrets", "projection_table", bool(plan.projects)),
        ("API", "api", plan.routes),
        ("Relay", "relay", plan.has_table),
        ("Consumers", "consumer", bool(plan.follows)),
        ("Steps and state machines", "steps", plan.steps),
        ("Schedules", "schedule", bool(plan.schedule)),
    ]
    written = [rendered("template/head.yaml", plan.values)]
    seen, first = "", True
    for title, name, wanted in parts:
        if not wanted:
            continue
        if title != seen:
            written.append(heading(title) + "\n")
        seen = title
        values = {**plan.values, **_consumer_values(plan), "log_alone": log_alone(service, first=first)}
        part = rendered(f"template/{name}.yaml", values)
        first = first and "log-alone" not in part
        written.append(part + "\n")
    return "".join(written)


def _consumer_values(plan: Plan) -> dict[str, Any]:
    """What the consumer's part of the template needs."""
    service, known = plan.values["Service"], plan.values["projected"]
    tables, grants = {}, []
    if plan.has_table:
        tables["TABLE_NAME"] = f"{service}Table"
        actions = "[dynamodb:GetItem, dynamodb:PutItem, dynamodb:ConditionCheckItem, dynamodb:BatchWriteItem]"
        erasing = "[dynamodb:PutItem, dynamodb:BatchWriteItem]"
        grants.append((actions if plan.consumes else erasing, f"!GetAtt {service}Table.Arn"))
        grants.append(("dynamodb:Query", f'!Sub "${{{service}Table.Arn}}/index/by-customer"'))
    if plan.projects:
        tables[f"KNOWN_{known.upper()}_TABLE_NAME"] = f"{service}Known{camel(known)}sTable"
        grants.append(("dynamodb:PutItem", f"!GetAtt {service}Known{camel(known)}sTable.Arn"))
    does = [
        *(["deletes what is a deleted customer's"] if plan.has_table else []),
        *([f"follows {', '.join(plan.consumes)}"] if plan.consumes else []),
        *([f"records the last event of each {plan.values['projected_aggregate']}"] if plan.projects else []),
    ]
    sentence = "; ".join(does)
    return {
        "consumer": "follow",
        "Consumer": "Follow",
        "consumer_description": sentence[0].upper() + sentence[1:] if sentence else "",
        "consumer_timeout": _SECONDS_OF_AN_ERASURE if plan.has_table else 0,
        "consumer_tables": tables,
        "consumer_grants": grants,
        "consumer_subscriptions": subscriptions_of(f"{service}Follow", plan.follows),
    }


def _in_architecture(text: str, plan: Plan) -> str:
    """The page with the service's row, and with its consumer in the picture."""
    package = plan.package
    routes = f"`{plan.values['path']}`: open, list, read, close" if plan.routes else ""
    steps = "Steps: open, close" if plan.steps else ""
    scheduled = "Closes what is open for too long" if plan.schedule else ""
    owns = plan.values["words"] if plan.has_table else "nothing"
    known = f", a projection of {plan.values['projected_aggregate']} events" if plan.projects else ""
    does = ". ".join(part for part in (routes, steps, scheduled) if part) or "follows events"
    read = ", ".join(f"`{event_type}`" for event_type in plan.follows)
    text = _before(
        text,
        "| [cleanup](",
        f"| [{package}](../services/{package}/README.md) | {owns}{known} | {does} | {read} |\n",
    )
    if plan.routes:
        text = text.replace("& orders[orders]\n", f"& orders[orders] & {package}[{package}]\n", 1)
    if plan.follows:
        number = max(int(found) for found in re.findall(r"\bq(\d+)\[\[", text)) + 1
        arrows = [
            f"    {'userTopic' if topic == 'UserEventsTopic' else 'topic'} -->|{', '.join(types)}| q{number}"
            for _, topic, types in subscriptions_of("", plan.follows)
        ]
        arrows[0] += f"[[queue + dead letters]] --> {package}_follow[{package}.follow]"
        text = _before(text, "    userTopic -->|user.deleted| q6", "".join(f"{arrow}\n" for arrow in arrows))
    return text


def _in_encryption(text: str, plan: Plan) -> str:
    """The page with a row for each of the service's tables."""
    service, words, rows = plan.values["Service"], plan.values["words"], []
    if plan.has_table:
        kept = "until the account is closed; nobody's own, for ever"
        rows.append(f"| `{service}Table` | {kept} | A customer's own {words} |\n")
    if plan.projects:
        name = f"{service}Known{plan.values['Projected']}sTable"
        rows.append(f"| `{name}` | for ever | A copy of ids and types of events. No personal data |\n")
    return _before(text, "| `JobsTable` |", "".join(rows))


def _in_operations(text: str, plan: Plan) -> str:
    """The page with a row that says what waiting dead letters mean."""
    if not plan.follows:
        return text
    late = [
        *([f"{plan.values['words']} of a closed account stay"] if plan.has_table else []),
        *(["what follows from the events is late"] if plan.consumes else []),
        *(
            [f"the projection of {plan.values['projected_aggregate']} events is behind"]
            if plan.projects
            else []
        ),
    ]
    return _before(text, "| `JobsStart` |", f"| `{plan.values['Service']}Follow` | {'; '.join(late)} |\n")


def _before(text: str, line: str, inserted: str) -> str:
    """`text` with `inserted` before the line that begins so."""
    place = text.index(f"\n{line}") + 1
    return text[:place] + inserted + text[place:]
