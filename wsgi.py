"""Entry point for WSGI servers: `gunicorn wsgi:app`."""

from newsapi.app import create_app
from newsapi.settings import Settings

app = create_app(Settings.from_env())
