"""Strict validation of email addresses, and their canonical forms."""

from __future__ import annotations

from typing import Final

from email_validator import EmailNotValidError, validate_email

MAX_EMAIL_LENGTH: Final = 254
"""Maximum length of an address in characters (RFC 5321, section 4.5.3.1.3, without the angle brackets)."""


def parse_email(text: str) -> str:
    """Return an email address in the ASCII form in which it is written to a header.

    Exactly one address is accepted: no display name, no quotes, no comment and no control character, so that no part of
    it can end a header. Characters outside ASCII are allowed in the domain only, as punycode: not every mail server
    accepts others.

    Args:
        text: The address as it was entered.

    Returns:
        The normalized address.

    Raises:
        ValueError: The text is not such an address; the message is a predicate, such as "is longer than ...".
    """
    # The length is checked first, which bounds the cost of the validation.
    if len(text) > MAX_EMAIL_LENGTH:
        raise ValueError(f"is longer than {MAX_EMAIL_LENGTH} characters")
    try:
        # Deliverability is not checked: the response time would reveal which domains were looked up before.
        validated = validate_email(text, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError("is not an email address such as name@example.com") from error
    ascii_email = validated.ascii_email
    if ascii_email is None:
        raise ValueError("is not an email address such as name@example.com")
    return ascii_email


def email_identity(email: str) -> str:
    """Return an address in lower case: addresses that are equal in this form belong to one subscriber."""
    # The part before the @ may be case-sensitive by the standard, but no provider makes the distinction.
    return email.lower()


def mailbox_key(email: str) -> str:
    """Return the key by which rate limits count the messages to a mailbox: the address without dots and plus-tag."""
    # Many providers deliver `m.rossi+a@`, `mrossi@` and `MRossi@` to one mailbox. Where these are two people, the
    # second one waits at most a day for a confirmation message, which is preferable to a mailbox that can be flooded.
    local, _, domain = email_identity(email).rpartition("@")
    return f"{local.partition('+')[0].replace('.', '') or local}@{domain}"
