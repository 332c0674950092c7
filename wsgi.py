"""Entry point for WSGI servers: `gunicorn wsgi:app`."""

from newsapi.app import create_app
from newsapi.cli.processes import prepare_service
from newsapi.settings import Settings

settings = Settings.from_env()
prepare_service(settings).dispose()
app = create_app(settings)
