"""Email transports: SMTP, or files in a directory if nothing is to be sent."""

from __future__ import annotations

import re
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

TIMEOUT_SECONDS: Final = 60.0
"""Timeout of each step of the SMTP session; some servers scan an email for a long time before they accept it."""

_TRANSIENT_CODES: Final = range(400, 500)
_SERVICE_UNAVAILABLE_CODE: Final = 421
_UNKNOWN_MAILBOX_CODES: Final = frozenset({550, 551, 553})
_ENHANCED_CODE: Final = re.compile(rb"(\d)\.(\d{1,3})\.(\d{1,3})\b")


class TemporaryFailure(Exception):
    """An email should be sent again later; `str()` is the reply code or the error, without the address."""


class PermanentFailure(Exception):
    """An email will never be accepted; `gone` is True if the mailbox does not exist."""

    def __init__(self, code: int, text: bytes = b"") -> None:
        """Keep only the codes, as the server's text may contain the address.

        Args:
            code: The SMTP reply code.
            text: The server's text, which may start with an enhanced status code (RFC 3463).
        """
        enhanced = _ENHANCED_CODE.search(text)
        super().__init__(f"{code} {enhanced[0].decode() if enhanced else ''}".strip())
        self.gone = code in _UNKNOWN_MAILBOX_CODES and (enhanced is None or (enhanced[1], enhanced[2]) == (b"5", b"1"))


class ServerUnavailable(Exception):
    """The server cannot be reached, or accepts no email from us; `str()` is the reason, without addresses."""


class Transport(Protocol):
    """A way to send email."""

    def send(self, mail: EmailMessage) -> None:
        """Send one email; raise TemporaryFailure, PermanentFailure or ServerUnavailable if it was not accepted."""

    def close(self) -> None:
        """Close the session, if one is open."""


def make_transport(url: str) -> Transport:
    """Return the transport for a URL of the settings: `file:`, `smtp:`, `smtp+starttls:` or `smtps:`."""
    return FileTransport(Path(unquote(urlsplit(url).path))) if urlsplit(url).scheme == "file" else SmtpTransport(url)


class FileTransport:
    """Writes emails to files, for demos and development; they are named by Message-ID, so a retry replaces the file."""

    def __init__(self, path: Path) -> None:
        """Store the directory; it is created with the first email."""
        self._directory = path

    def send(self, mail: EmailMessage) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        name = mail["Message-ID"].strip("<>").partition("@")[0]
        (self._directory / f"{name}.eml").write_bytes(mail.as_bytes())

    def close(self) -> None:
        pass


class SmtpTransport:
    """One session with a mail server, opened for the first email and again after an error."""

    def __init__(self, url: str) -> None:
        """Store a URL `smtp://`, `smtp+starttls://` or `smtps://`; nothing is connected yet."""
        self._url = urlsplit(url)
        self._server: smtplib.SMTP | None = None

    def send(self, mail: EmailMessage) -> None:
        ((_, sender),) = getaddresses([mail["From"]])
        ((_, recipient),) = getaddresses([mail["To"]])
        try:
            server = self._connect()
        except (smtplib.SMTPException, OSError) as error:
            raise _server_unavailable(error) from None
        try:
            server.sendmail(sender, [recipient], mail.as_bytes())
        except smtplib.SMTPRecipientsRefused as error:
            ((code, text),) = error.recipients.values()
            self._raise_rejection(code, text)
        except smtplib.SMTPDataError as error:
            self._raise_rejection(error.smtp_code, _encode(error.smtp_error))
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

    def _raise_rejection(self, code: int, text: bytes) -> None:
        if code == _SERVICE_UNAVAILABLE_CODE:
            self.close()
            raise ServerUnavailable(str(code)) from None
        if code in _TRANSIENT_CODES:
            raise TemporaryFailure(str(code)) from None
        raise PermanentFailure(code, text) from None

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


def _server_unavailable(error: Exception) -> ServerUnavailable:
    code = error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else ""
    return ServerUnavailable(
        f"{type(error).__name__} {code}".strip()
    )  # without the server's text, which may contain the address


def _encode(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
