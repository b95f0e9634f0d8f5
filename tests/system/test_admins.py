"""Admins on the deployed stack: which tokens give their rights and for how long, also after a removal."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.access import ADMIN_GROUP
from tests.system.tokens import claims_in
from tools.ops.sign_out import sign_out
from tools.shop.client import PASSWORD, Customer, Shop
from tools.stack import Stack

from .trouble import configured

LONGEST_SECONDS = 300
ROUTE = "/inventory"


@pytest.fixture
def leaver(shop: Shop) -> Customer:
    """An admin who is not one for long."""
    return shop.admin()


def sign_in(stack: Stack, admin: Customer) -> dict[str, Any]:
    """The tokens of a sign-in with the admins' client."""
    session: dict[str, Any] = stack.client("cognito-idp").initiate_auth(
        ClientId=stack.resource("AdminUserPoolClient"),
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": admin.email, "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    return session


def refreshed(stack: Stack, session: dict[str, Any]) -> str:
    """A new identity token of the session."""
    answer = stack.client("cognito-idp").initiate_auth(
        ClientId=stack.resource("AdminUserPoolClient"),
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": session["RefreshToken"]},
    )
    return str(answer["AuthenticationResult"]["IdToken"])


def status(shop: Shop, token: str) -> int:
    return shop.request("GET", ROUTE, token=token).status_code


def test_an_admins_token_lives_for_five_minutes(stack: Stack, leaver: Customer) -> None:
    session = sign_in(stack, leaver)
    for kind in ("IdToken", "AccessToken"):
        claims = claims_in(session[kind])
        assert 0 < claims["exp"] - claims["iat"] <= LONGEST_SECONDS, kind


def test_an_admin_who_signs_in_as_a_customer_has_a_customers_rights(shop: Shop, leaver: Customer) -> None:
    as_customer = shop.token_of(leaver.email)
    assert ADMIN_GROUP in claims_in(as_customer)["cognito:groups"]

    assert status(shop, leaver.token) == 200
    assert status(shop, as_customer) == 403
    assert shop.request("GET", "/users/me", token=as_customer).status_code == 200


def test_a_removed_admin_gets_no_more_token_with_the_rights(
    shop: Shop, stack: Stack, leaver: Customer
) -> None:
    session = sign_in(stack, leaver)
    account = {"UserPoolId": stack.resource("UserPool"), "Username": leaver.email}
    stack.client("cognito-idp").admin_remove_user_from_group(**account, GroupName=ADMIN_GROUP)

    assert status(shop, refreshed(stack, session)) == 403
    stack.client("cognito-idp").admin_user_global_sign_out(**account)
    with pytest.raises(ClientError, match="NotAuthorizedException"):
        refreshed(stack, session)


def test_a_deleted_admin_gets_no_more_token(shop: Shop, stack: Stack, leaver: Customer) -> None:
    session = sign_in(stack, leaver)
    stack.client("cognito-idp").admin_delete_user(
        UserPoolId=stack.resource("UserPool"), Username=leaver.email
    )

    with pytest.raises(ClientError):
        refreshed(stack, session)
    with pytest.raises(ClientError):
        sign_in(stack, leaver)


def test_an_admin_without_a_second_factor_is_none_where_one_is_required(
    shop: Shop, stack: Stack, leaver: Customer
) -> None:
    with configured(stack, "UsersRequireSecondFactorFunction", SECOND_FACTOR="required"):
        token = str(sign_in(stack, leaver)["IdToken"])

    assert claims_in(token)["cognito:groups"] == ["customer"]
    assert status(shop, token) == 403


def test_a_sign_out_with_the_role_leaves_an_admin_no_session_and_no_rights(
    shop: Shop, stack: Stack, leaver: Customer
) -> None:
    session = sign_in(stack, leaver)

    sign_out(stack, leaver.email, role=ADMIN_GROUP)

    with pytest.raises(ClientError, match="NotAuthorizedException"):
        refreshed(stack, session)
    assert status(shop, str(sign_in(stack, leaver)["IdToken"])) == 403
