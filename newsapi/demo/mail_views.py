"""Emails of the demo: they are written to a directory and shown here instead of being sent."""

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
<h1>Mail</h1>
<p>The demo sends no email. This page lists the emails it would send, newest first. Reload to update.</p>
<ul>{}</ul></html>
"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src *",
    "Referrer-Policy": "no-referrer",
}


def blueprint(directory: Path) -> flask.Blueprint:
    """Return the blueprint of the demo's emails; only the demo registers it, and OpenAPI does not document it.

    Args:
        directory: The directory with one `.eml` file for each email.
    """
    flask_blueprint = flask.Blueprint("demo_mail", __name__)

    @flask_blueprint.get(MAIL_PATH)
    def list_emails() -> Response:
        files = sorted(directory.glob("*.eml"), key=lambda file: file.stat().st_mtime, reverse=True)
        items = []
        for file in files[:100]:
            email = _read(file)
            label = f"{email['Subject']} ({email['To']})"
            items.append(f'<li><a href="{MAIL_PATH}/{file.stem}">{escape(label)}</a></li>')
        return Response(_LIST.format("".join(items)), content_type="text/html; charset=utf-8", headers=_HEADERS)

    @flask_blueprint.get(f"{MAIL_PATH}/<name>")
    def show_email(name: str) -> Response:
        file = directory / f"{name}.eml"
        if not _NAME.fullmatch(name) or not file.is_file():
            raise NotFound
        part = _read(file).get_body(("html",))
        page = part.get_content() if part else ""
        return Response(page, content_type="text/html; charset=utf-8", headers=_HEADERS)

    return flask_blueprint


def _read(file: Path) -> EmailMessage:
    return message_from_bytes(file.read_bytes(), policy=policy.default)
