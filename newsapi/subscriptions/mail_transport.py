"""Email transports: SMTP, or files in a directory if nothing is to be sent."""

from __future__ import annotations

import re
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import Final, NamedTuple, NoReturn, Protocol
from urllib.parse import unquote, urlsplit

from newsapi.subscriptions.delivery_failures import DeliveryFailure, FailureKind, classify_failure, redact

TIMEOUT_SECONDS: Final = 60.0
"""Timeout of each step of the SMTP session; some servers scan an email for a long time before they accept it."""

_SERVICE_UNAVAILABLE_CODE: Final = 421
_MESSAGE_TOO_BIG_CODE: Final = 552
"""Reply to MAIL that concerns one email and not all, if its size was announced (RFC 1870)."""


class TemporaryFailure(Exception):
    """An email should be sent again later; `str()` is the reply code or the error, without the address."""


class PermanentFailure(Exception):
    """An email will never be accepted; `str()` is the server's reply without addresses, for the log."""

    def __init__(self, kind: FailureKind, reply: str) -> None:
        """Store what the reply says about the recipient.

        Args:
            kind: Whether the recipient is gone, or the email was refused for another cause.
            reply: The server's reply, without addresses.
        """
        super().__init__(reply)
        self.kind = kind


class ServerUnavailable(Exception):
    """The server cannot be reached, or accepts no email from us; `str()` is the reason, without addresses."""


class Transport(Protocol):
    """A way to send email."""

    def send(self, mail: EmailMessage) -> None:
        """Send one email; raise TemporaryFailure, PermanentFailure or ServerUnavailable if it was not accepted."""

    def close(self) -> None:
        """Close the session, if one is open."""


def make_transport(url: str, return_path: str | None = None) -> Transport:
    """Return a transport.

    Args:
        url: A URL of the settings: `file:`, `smtp:`, `smtp+starttls:` or `smtps:`.
        return_path: The address that receives bounces; the sender of the email if it is None.

    Returns:
        The transport; it connects with the first email.
    """
    if urlsplit(url).scheme == "file":
        return FileTransport(Path(unquote(urlsplit(url).path)))
    return SmtpTransport(url, return_path)


def envelope_sender(mail: EmailMessage, return_path: str | None) -> str:
    """Return the address that an email is sent from on the level of SMTP, to which bounces are sent.

    Args:
        mail: The email.
        return_path: The address that receives bounces; the sender of the email if it is None.

    Returns:
        The address of the sender, or the return path with the token of the email (a variable envelope return path).
    """
    if return_path is None:
        ((_, sender),) = getaddresses([mail["From"]])
        return sender
    local, _, domain = return_path.rpartition("@")
    return f"{local}+{_message_token(mail)}@{domain}"


def _message_token(mail: EmailMessage) -> str:
    return str(mail["Message-ID"]).strip("<>").partition("@")[0]


class FileTransport:
    """Writes emails to files, for demos and development; they are named by Message-ID, so a retry replaces the file."""

    def __init__(self, path: Path) -> None:
        """Store the directory; it is created with the first email."""
        self._directory = path

    def send(self, mail: EmailMessage) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / f"{_message_token(mail)}.eml").write_bytes(mail.as_bytes())

    def close(self) -> None:
        pass


class _Rejection(NamedTuple):
    """The reply with which a server rejected an email, the refused command, and the envelope."""

    code: int
    text: str
    command: str
    sender: str
    recipient: str


class SmtpTransport:
    """One session with a mail server, opened for the first email and again after an error."""

    def __init__(self, url: str, return_path: str | None = None) -> None:
        """Store the parts; nothing is connected yet.

        Args:
            url: A URL `smtp://`, `smtp+starttls://` or `smtps://`.
            return_path: The address that receives bounces; the sender of the email if it is None.
        """
        self._url = urlsplit(url)
        self._return_path = return_path
        self._server: smtplib.SMTP | None = None

    def send(self, mail: EmailMessage) -> None:
        ((_, recipient),) = getaddresses([mail["To"]])
        sender = envelope_sender(mail, self._return_path)
        server = self._open_session()
        try:
            server.sendmail(sender, [recipient], mail.as_bytes(), *_notification_options(server, recipient))
        except smtplib.SMTPRecipientsRefused as error:
            ((code, reply),) = error.recipients.values()
            self._raise_rejection(_Rejection(code, _decode(reply), "RCPT", sender, recipient))
        except smtplib.SMTPDataError as error:
            self._raise_rejection(_Rejection(error.smtp_code, _decode(error.smtp_error), "DATA", sender, recipient))
        except smtplib.SMTPSenderRefused as error:
            if error.smtp_code == _MESSAGE_TOO_BIG_CODE:
                self._raise_rejection(_Rejection(error.smtp_code, _decode(error.smtp_error), "MAIL", sender, recipient))
            # The sender is the same in all emails: none would be accepted.
            self.close()
            raise _server_unavailable(error) from None
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            # This email may be the cause, so only this one is delayed and not all the others.
            self._server = None
            server.close()
            raise TemporaryFailure(type(error).__name__) from None
        except smtplib.SMTPException as error:
            self.close()
            raise _server_unavailable(error) from None

    def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            try:
                server.quit()
            except (smtplib.SMTPException, OSError):
                server.close()

    def check(self) -> None:
        """Connect and log in, without sending an email.

        Raises:
            ServerUnavailable: The server cannot be reached, or refuses the credentials.
        """
        self._open_session()
        self.close()

    def _open_session(self) -> smtplib.SMTP:
        try:
            return self._connect()
        except (smtplib.SMTPException, OSError) as error:
            raise _server_unavailable(error) from None

    def _raise_rejection(self, rejection: _Rejection) -> NoReturn:
        if rejection.code == _SERVICE_UNAVAILABLE_CODE:
            self.close()
            raise ServerUnavailable(str(rejection.code)) from None
        kind = classify_failure(
            DeliveryFailure(
                code=rejection.code,
                text=rejection.text,
                command=rejection.command,
                sender=rejection.sender,
                recipients=(rejection.recipient,),
            )
        )
        if kind is FailureKind.TEMPORARY:
            raise TemporaryFailure(str(rejection.code)) from None
        raise PermanentFailure(kind, redact(f"{rejection.code} {rejection.text}", rejection.recipient)) from None

    def _connect(self) -> smtplib.SMTP:
        if self._server is not None:
            return self._server
        host, scheme = self._url.hostname or "", self._url.scheme
        if scheme == "smtps":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, self._url.port or 465, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(
                host, self._url.port or (587 if scheme == "smtp+starttls" else 25), timeout=TIMEOUT_SECONDS
            )
        try:
            if scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
            if self._url.username:
                server.login(unquote(self._url.username), unquote(self._url.password or ""))
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
        self._server = server
        return server


def _notification_options(server: smtplib.SMTP, recipient: str) -> tuple[list[str], list[str]]:
    """Return the options of MAIL and RCPT by which bounces name the recipient as we do (RFC 3461).

    A bounce then contains the address that we wrote to, even if it was forwarded, and the header of the email.
    """
    server.ehlo_or_helo_if_needed()
    if not server.has_extn("dsn"):
        return [], []
    original = re.sub(r"[^!-*,-<>-~]", lambda match: f"+{ord(match[0]):02X}", recipient)
    return ["RET=HDRS"], ["NOTIFY=FAILURE", f"ORCPT=rfc822;{original}"]


def _server_unavailable(error: Exception) -> ServerUnavailable:
    code = error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else ""
    return ServerUnavailable(
        f"{type(error).__name__} {code}".strip()
    )  # without the server's text, which may contain the address


def _decode(text: bytes | str) -> str:
    return text if isinstance(text, str) else text.decode("utf-8", "replace")
