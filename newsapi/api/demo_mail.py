"""The mail of the demo, which goes into a folder and is shown here instead of being sent."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape
from pathlib import Path

import flask
from flask import Response

from newsapi.demo.content import MAIL_PATH
from newsapi.errors import NotFound

_NAME = re.compile(r"[0-9a-f]{32}", re.ASCII)
_LIST = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mail</title>
<style>body{{font:1.1rem/1.6 system-ui,sans-serif;max-width:38rem;margin:2rem auto;padding:0 1rem;color:#222}}</style>
<h1>Mail</h1><p>The demo sends none; what it would send is here, the last first. Reload for more.</p><ul>{}</ul></html>
"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src *",
    "Referrer-Policy": "no-referrer",
}


def blueprint(folder: Path) -> flask.Blueprint:
    """Make the routes; they are registered by a demo alone and are not in the document."""
    made = flask.Blueprint("demo_mail", __name__)

    @made.get(MAIL_PATH)
    def mails() -> Response:
        files = sorted(folder.glob("*.eml"), key=lambda file: file.stat().st_mtime, reverse=True)
        lines = []
        for file in files[:100]:
            mail = _read(file)
            what = f"{mail['Subject']} ({mail['To']})"
            lines.append(f'<li><a href="{MAIL_PATH}/{file.stem}">{escape(what)}</a></li>')
        return Response(_LIST.format("".join(lines)), content_type="text/html; charset=utf-8", headers=_HEADERS)

    @made.get(f"{MAIL_PATH}/<name>")
    def mail(name: str) -> Response:
        file = folder / f"{name}.eml"
        if not _NAME.fullmatch(name) or not file.is_file():
            raise NotFound
        part = _read(file).get_body(("html",))
        page = part.get_content() if part else ""
        return Response(page, content_type="text/html; charset=utf-8", headers=_HEADERS)

    return made


def _read(file: Path) -> EmailMessage:
    return message_from_bytes(file.read_bytes(), policy=policy.default)
