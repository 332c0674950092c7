"""People with mailboxes: a real mail server that keeps what it is sent, the box, and the worker taken step by step."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from newsapi.content.presentation.presentation import ArticlePresenter
from newsapi.keys import commands as key_commands
from newsapi.subscriptions.commands import SubscriptionContext
from newsapi.subscriptions.mail_transport import make_transport
from newsapi.subscriptions.tokens import TokenSigner
from newsapi.subscriptions.worker import AlertConsumer
from newsapi.worker.consumers import ConsumerRunner
from tests.support.client import Editor


class NotifyingSmtp(SMTP):
    """The commands of a mail server that supports delivery status notifications (RFC 3461)."""

    async def smtp_MAIL(self, arg):  # noqa: N802
        await super().smtp_MAIL(self._without_options(arg, "RET="))

    async def smtp_RCPT(self, arg):  # noqa: N802
        await super().smtp_RCPT(self._without_options(arg, "NOTIFY=", "ORCPT="))

    def _without_options(self, arg, *names):
        words = arg.split(" ")
        self.event_handler.options += [word for word in words if word.startswith(names)]
        return " ".join(word for word in words if not word.startswith(names))


class NotifyingController(Controller):
    def factory(self):
        return NotifyingSmtp(self.handler, **self.SMTP_kwargs)


class MailServer:
    """A mail server: `answer` says what it replies to a recipient, `answer_data` to the mail, `answer_sender` to the
    return path; None accepts it.
    """

    def __init__(self, controller=Controller):
        self.mails, self.options = [], []
        self.answer = lambda _address: None
        self.answer_data = lambda _mail: None
        self.answer_sender = lambda _address: None
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._controller = controller(self, hostname="127.0.0.1", port=port)
        self._controller.start()
        self.url = f"smtp://127.0.0.1:{port}"

    async def handle_MAIL(self, _server, _session, envelope, address, options):  # noqa: N802
        reply = self.answer_sender(address)
        if reply is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply or "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        said = self.answer(address)
        if said is None:
            envelope.rcpt_tos.append(address)
        return said or "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=policy.default)
        said = self.answer_data(mail)
        if said is None:
            mail.recipients, mail.raw, mail.sender = envelope.rcpt_tos, envelope.content, envelope.mail_from
            self.mails.append(mail)
        return said or "250 OK"

    def hang_up(self):
        """End the conversation in the middle of a mail."""
        raise ConnectionResetError

    def to(self, address):
        return [mail for mail in self.mails if mail.recipients == [address]]

    def close(self):
        self._controller.stop()


def text(mail, kind="plain"):
    return mail.get_body((kind,)).get_content()


def tokens(mail, purpose):
    """The tokens of a mail for something, as its links bear them."""
    found = {*re.findall(rf"token=({purpose}_[\w-]+)", text(mail))}
    assert found == {*re.findall(rf"token=({purpose}_[\w-]+)", text(mail, "html"))}
    return sorted(found)


def token(mail, purpose):
    (found,) = tokens(mail, purpose)
    return found


@pytest.fixture
def server() -> Iterator[MailServer]:
    made = MailServer()
    yield made
    made.close()


@pytest.fixture
def settings(settings, server):
    return replace(
        settings,
        smtp_url=server.url,
        mail_from="Motori & Caffè <news@motori.example>",
        publisher="Motori & Caffè",
        privacy_url="https://motori.example/privacy",
    )


@pytest.fixture
def box(database, settings):
    return SubscriptionContext(database, settings, TokenSigner(database, settings.secret_key))


@pytest.fixture
def listener(box, settings, clock) -> Iterator[AlertConsumer]:
    made = AlertConsumer(box, ArticlePresenter(settings), make_transport(settings.smtp_url), now=clock)
    yield made
    made.reset()


@pytest.fixture
def follow(database, listener, clock):
    made = ConsumerRunner(database, listener, now=clock)
    made.step()
    return made


@pytest.fixture
def work(follow, clock) -> Callable[..., None]:
    """Let the worker do all that is due, some time later."""

    def work(later=timedelta(seconds=5)):
        follow.step()
        clock.time += later
        for _ in range(2):
            follow.step()

    return work


@pytest.fixture
def editor(app, database, clock):
    return Editor(app, key_commands.create(database, "anna", ("content:write", "content:publish"), now=clock()))


@pytest.fixture
def land_rover(make):
    return make.brand("land-rover", name="Land Rover")


@pytest.fixture
def ask(client, land_rover):
    """Fill in the box."""

    def ask(email="lucia@lettori.example", path="brands/land-rover", **more):
        answer = client.post(f"/v1/{path}/subscriptions", json={"email": email, **more})
        assert answer.status_code == 202, answer.text
        return answer

    return ask


@pytest.fixture
def post(client):
    def post(act, body):
        return client.post(f"/v1/subscriptions/{act}", json=body)

    return post


@pytest.fixture
def subscribe(ask, work, server, post):
    """Fill in the box and confirm; answer the mail that asked to."""

    def subscribe(email="lucia@lettori.example", **more):
        ask(email, **more)
        work()
        mail = server.to(email)[-1]
        assert post("confirm", {"token": token(mail, "confirm")}).status_code == 204
        return mail

    return subscribe


@pytest.fixture
def publish(editor):
    """Publish at the desk, as a newsroom does."""

    def publish(headline="Nuova Velar", brand="land-rover", **more):
        return editor.write(headline=headline, brand=brand, status="published", **more)

    return publish


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    assert condition()
