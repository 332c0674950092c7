"""E-mail addresses: read strictly, and reduced to what tells people apart."""

from __future__ import annotations

from typing import Final

from email_validator import EmailNotValidError, validate_email

LONGEST: Final = 254
"""Characters that an address may have (RFC 5321, section 4.5.3.1.3, without its brackets)."""


def address(text: str) -> str:
    """Answer an address as it is written to, in ASCII; raises ValueError that says what is wrong.

    One address and nothing beside it: no name, no quotes, no comment, no control character, so that nothing of it can
    end a header. Letters outside ASCII stand behind the @ alone, as punycode: not every mail server takes others.
    """
    # The length comes first: whatever is tried then, it is tried on 254 characters.
    if len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    try:
        # Whether the domain takes mail is not asked: the answer would tell, by its time, what we looked up before.
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError("is not an e-mail address such as name@example.com") from error
    ascii_email = found.ascii_email
    if ascii_email is None:
        raise ValueError("is not an e-mail address such as name@example.com")
    return ascii_email


def person(address_: str) -> str:
    """Answer an address with its case folded: whose two addresses have this in common is one person.

    Strictly the part before the @ may tell cases apart; no provider does, and people type as they like.
    """
    return address_.lower()


def mailbox(address_: str) -> str:
    """Answer by which mailbox an address is counted when we limit what is sent unasked: without dots and plus-tag.

    Many providers deliver all of `m.rossi+a@`, `mrossi@` and `MRossi@` into one box. Elsewhere they may be two people;
    then the second one waits a day for his mail at worst, which is little beside a box that somebody had filled.
    """
    local, _, domain = person(address_).rpartition("@")
    return f"{local.partition('+')[0].replace('.', '') or local}@{domain}"
