"""Weaknesses that the attacks must find, each with the check that owns it."""

from tests.attacks.planting import SCAN, Change, Code, Copy, Setting, Weakness

_ORDERS_API, _REQUEST = "orders/functions/api.py", "orders/domain/order_request.py"
_SIGNATURE = "payments/domain/signature.py"
_TOKENS = "live/adapters/user_pool.py"


def _code(function: str, *changes: tuple[str, str, str]) -> Code:
    return Code(function, tuple(Change(*change) for change in changes))


def _test(group: str, name: str) -> str:
    return f"tests/attacks/test_{group}.py::{name}"


WEAKNESSES = (
    Weakness(
        "an order that anybody reads by its id",
        _code(
            "OrdersApiFunction",
            (
                _ORDERS_API,
                "    order = require_owner(app, order_store().find(order_id), lambda order: order.customer_id)\n",
                "    order = require_owner(app, order_store().find(order_id), lambda order: caller_of(app).user_id)\n",
            ),
        ),
        _test("others_objects", "test_what_is_anothers_answers_as_if_it_did_not_exist_and_stays_as_it_is"),
    ),
    Weakness(
        "a profile that anybody reads and changes by its id",
        _code(
            "UsersApiFunction",
            (
                "users/functions/api.py",
                "return require_owner(app, profile, lambda found: found.user_id)",
                "return require_owner(app, profile, lambda found: caller_of(app).user_id)",
            ),
        ),
        _test("others_objects", "test_what_is_anothers_answers_as_if_it_did_not_exist_and_stays_as_it_is"),
    ),
    Weakness(
        "a check of the owner after the write",
        _code(
            "OrdersApiFunction",
            (
                _ORDERS_API,
                "    found = require_owner(app, order_store().find(order_id), lambda order: order.customer_id)\n",
                "    undo = lambda order: order.request_cancellation(Canceller.ADMIN, utc_now())\n"
                "    order_store().change(order_id, undo)\n"
                "    found = require_owner(app, order_store().find(order_id), lambda order: order.customer_id)\n",
            ),
        ),
        _test("others_objects", "test_what_is_anothers_answers_as_if_it_did_not_exist_and_stays_as_it_is"),
    ),
    Weakness(
        "a list of anybody's orders by their id",
        _code(
            "OrdersApiFunction",
            (
                _ORDERS_API,
                "    if customer != caller.user_id and not caller.is_admin:\n",
                "    if not customer:\n",
            ),
        ),
        _test("others_objects", "test_no_list_shows_what_is_anothers"),
    ),
    Weakness(
        "a cursor that is good for any list",
        _code(
            "OrdersApiFunction",
            (
                "orders/adapters/cursors.py",
                '    if read.pop("list") != _name_of_list(customer_id, status):\n',
                '    if not read.pop("list"):\n',
            ),
        ),
        _test("others_objects", "test_no_list_shows_what_is_anothers"),
    ),
    Weakness(
        "an idempotency key that all customers share",
        _code(
            "OrdersApiFunction",
            ("orders/domain/order.py", "f'{customer_id}:{idempotency_key}'", "f'{idempotency_key}'"),
        ),
        _test("others_objects", "test_the_key_of_anothers_order_makes_an_order_of_ones_own"),
    ),
    Weakness(
        "an idempotency key that nobody looks at",
        _code(
            "OrdersApiFunction",
            (
                "orders/domain/order.py",
                "f'{customer_id}:{idempotency_key}'",
                "f'{customer_id}:{datetime.now().isoformat()}'",
            ),
        ),
        _test("races", "test_one_key_is_one_order"),
    ),
    Weakness(
        "an admins' route that takes any token",
        _code(
            "UsersApiFunction",
            (
                "users/functions/api.py",
                '@app.get("/users", **contract(Access.ADMIN,',
                '@app.get("/users", **contract(Access.SIGNED_IN,',
            ),
        ),
        _test("others_objects", "test_the_headers_of_a_proxy_make_nobody_another"),
    ),
    Weakness(
        "an admin by a token of the customers' app client",
        Setting("UsersApiFunction", "ADMIN_CLIENT_ID", "UserPoolClient"),
        _test("forged_tokens", "test_an_admins_token_of_the_customers_client_is_a_customers"),
    ),
    Weakness(
        "a WebSocket for any signature",
        _code(
            "LiveAuthorizerFunction",
            (_TOKENS, 'options={"require": [', 'options={"verify_signature": False, "require": ['),
        ),
        _test("forged_tokens", "test_a_forged_token_opens_no_websocket"),
    ),
    Weakness(
        "a WebSocket for tokens of any app client",
        _code(
            "LiveAuthorizerFunction",
            (_TOKENS, 'options={"require": [', 'options={"verify_aud": False, "require": ['),
            (_TOKENS, "                audience=self._audiences,\n", ""),
        ),
        _test("forged_tokens", "test_a_token_of_another_app_client_gives_no_more_rights_to_an_admin"),
    ),
    Weakness(
        "a WebSocket for tokens of any use",
        _code(
            "LiveAuthorizerFunction",
            (_TOKENS, '"aud", "sub", "token_use"]', '"sub"], "verify_aud": False'),
            (_TOKENS, "                audience=self._audiences,\n", ""),
            (
                _TOKENS,
                '        if claims["token_use"] != "id":',
                '        if claims["token_use"] == "refresh":',
            ),
        ),
        _test("forged_tokens", "test_a_forged_token_opens_no_websocket"),
    ),
    Weakness(
        "a token in the log",
        _code(
            "OrdersApiFunction",
            (
                _ORDERS_API,
                "    customer = customer_id or caller.user_id\n",
                "    customer = customer_id or caller.user_id\n"
                '    logger.info("orders listed", token=app.current_event.headers["Authorization"])\n',
            ),
        ),
        _test("forged_tokens", "test_no_valid_token_reaches_a_log"),
    ),
    Weakness(
        "a price that the client names",
        _code(
            "OrdersApiFunction",
            (_REQUEST, "    sku: _Sku\n", "    sku: _Sku\n    unit_price: dict[str, object] | None = None\n"),
            (
                _REQUEST,
                "unit_price=prices[line.sku].price)",
                "unit_price=prices[line.sku].price.model_copy(update=line.unit_price or {}))",
            ),
        ),
        _test("mass_assignment", "test_a_body_takes_no_field_that_it_does_not_name"),
    ),
    Weakness(
        "a quantity below zero",
        _code("OrdersApiFunction", (_REQUEST, "Field(ge=1, le=MAX_QUANTITY,", "Field(le=MAX_QUANTITY,")),
        _test("limits", "test_nobody_orders_the_whole_stock"),
    ),
    Weakness(
        "a stock that is taken without a look at it",
        _code(
            "InventoryStepsFunction",
            (
                "inventory/adapters/reservation_store.py",
                '                "available >= :quantity",\n',
                '                "attribute_exists(pk)",\n',
            ),
        ),
        _test("races", "test_the_last_pieces_are_sold_once"),
    ),
    Weakness(
        "cards that nobody counts",
        _code(
            "OrdersApiFunction",
            (
                "orders/domain/placement_limits.py",
                "        if len(latest) < self.max_declines_per_hour:\n",
                "        if latest is not None:\n",
            ),
        ),
        _test("limits", "test_many_cards_at_once_are_few_payments"),
    ),
    Weakness(
        "an order by the token of a deleted account",
        _code("OrdersApiFunction", (_ORDERS_API, "    account.require_open()\n", "")),
        _test("deletion", "test_the_token_of_a_deleted_account_gives_nothing_and_changes_nothing"),
    ),
    Weakness(
        "a webhook for any signature",
        _code("PaymentsWebhookFunction", (_SIGNATURE, "    if not any(matches):\n", "    if not matches:\n")),
        _test("webhook", "test_only_the_provider_is_heard"),
    ),
    Weakness(
        "a webhook for signatures of any age",
        _code(
            "PaymentsWebhookFunction",
            (_SIGNATURE, "    if abs(now - signed_at) > TOLERANCE_SECONDS:\n", "    if signed_at < 0:\n"),
        ),
        _test("webhook", "test_only_the_provider_is_heard"),
    ),
    Weakness(
        "a mail with what customers write as HTML",
        _code(
            "NotificationsSendMailFunction",
            (
                "notifications/domain/layout.py",
                "return {name: escape(value, quote=True) for name, value in values.items()}",
                "return values",
            ),
        ),
        _test("injection", "test_a_mail_shows_what_a_customer_writes_as_text"),
    ),
    Weakness(
        "a spreadsheet with formulas",
        _code(
            "CatalogImportResultFunction",
            (
                "catalog/functions/import_result.py",
                "row = csv_row((result.line, result.sku, result.outcome.value, result.reason))",
                'row = f"{result.line},{result.sku},{result.outcome.value},\\n"',
            ),
        ),
        _test("injection", "test_no_cell_of_a_spreadsheet_is_a_formula"),
    ),
    Weakness(
        "an upload of any size",
        _code(
            "CatalogApiFunction",
            (
                "catalog/adapters/picture_signing.py",
                '["content-length-range", 1, MAX_BYTES],',
                '["content-length-range", 1, MAX_BYTES * 1000],',
            ),
        ),
        _test("polyglots", "test_a_form_takes_what_it_was_signed_for"),
    ),
    Weakness(
        "a picture of more pixels than a function has memory for",
        # No more, since the machine that looks for the weakness decodes them.
        _code(
            "ImageProcessorRenderFunction",
            ("image_processor/domain/picture.py", "MAX_PIXELS = 50_000_000", "MAX_PIXELS = 60_000_000"),
        ),
        _test("polyglots", "test_a_bomb_is_refused_for_what_it_is"),
    ),
    Weakness(
        "a feed of whichever customer a message names",
        _code(
            "LiveWebsocketFunction",
            (
                "live/domain/messages.py",
                '    action: Literal["catch_up"]\n',
                '    action: Literal["catch_up"]\n    customer_id: str | None = None\n',
            ),
            (
                "live/domain/answering.py",
                "_missed(request, connection.customer_id, feeds)",
                "_missed(request, request.customer_id or connection.customer_id, feeds)",
            ),
        ),
        _test("websocket", "test_nobody_watches_anothers_orders"),
    ),
    Weakness(
        "a policy that allows all actions on everything",
        Copy(
            Change(
                "template.yaml",
                "              Action: dynamodb:BatchGetItem\n"
                "              Resource: !GetAtt OrdersPricesTable.Arn\n",
                '              Action: "*"\n              Resource: "*"\n',
            )
        ),
        SCAN,
    ),
)
