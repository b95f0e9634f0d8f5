"""What the template and samconfig.toml say of mail: no sender until an operator sets one, and no identity at all."""

import tomllib
from typing import Any

from tools.contracts.template import template
from tools.settings import REPOSITORY


def pool() -> dict[str, Any]:
    properties: dict[str, Any] = template()["Resources"]["UserPool"]["Properties"]
    return properties


def test_a_stack_makes_no_identity_because_the_account_and_region_has_each_one_once() -> None:
    kinds = {resource["Type"] for resource in template()["Resources"].values()}
    assert "AWS::SES::EmailIdentity" not in kinds


def test_no_stack_on_aws_has_a_sender_unless_an_operator_sets_one() -> None:
    targets = tomllib.loads((REPOSITORY / "samconfig.toml").read_text(encoding="utf-8"))
    named = {name for name, target in targets.items() if "MailSender" in str(target)}
    assert template()["Parameters"]["MailSender"]["Default"] == ""
    assert named == {"local"}


def test_cognito_mails_its_codes_through_ses_if_the_sender_is_to_send_them() -> None:
    assert template()["Conditions"]["SendCodesFromMailSender"] == {
        "Fn::And": [{"Condition": "HasMailSender"}, {"Fn::Equals": [{"Ref": "CodesFromMailSender"}, "true"]}]
    }
    condition, through_ses, by_cognito = pool()["EmailConfiguration"]["Fn::If"]
    assert condition == "SendCodesFromMailSender"
    assert through_ses == {
        "EmailSendingAccount": "DEVELOPER",
        "From": {"Ref": "MailSender"},
        "SourceArn": through_ses["SourceArn"],
    }
    assert by_cognito == {"EmailSendingAccount": "COGNITO_DEFAULT"}


def test_cognito_uses_the_identity_that_ses_has_verified_which_may_be_the_senders_domain() -> None:
    """Cognito refuses an address whose domain alone is verified, unless it is given the domain's identity."""
    _, through_ses, _ = pool()["EmailConfiguration"]["Fn::If"]
    assert through_ses["SourceArn"]["Fn::Sub"] == [
        "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/${Identity}",
        {
            "Identity": {
                "Fn::If": ["HasMailSenderIdentity", {"Ref": "MailSenderIdentity"}, {"Ref": "MailSender"}]
            }
        },
    ]
    assert template()["Parameters"]["MailSenderIdentity"]["Default"] == ""
