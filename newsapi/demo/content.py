"""The content of the demo as an import stream, its settings, and the list of URLs to try."""

from __future__ import annotations

import importlib.util
import shutil
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

RECORDS = files("newsapi.demo") / "content.ndjson"
"""An import file. The URLs of its images are those of a demo with default settings."""

PICTURES = files("newsapi.demo") / "pictures"
PICTURES_PATH = "/demo/pictures"
"""The path under which the demo serves its images."""

DEFAULT_URL = "http://127.0.0.1:8000"

RESIZED_PICTURES = "{raw_url}?{width}x{height}-{x}-{y}"
"""The template of `NEWSAPI_IMAGE_URL` by which the demo resizes its images."""

PICTURES_VARIABLE = "_NEWSAPI_DEMO_PICTURES"
"""Environment variable of the server processes; if set, they serve the demo images."""

MAIL_PATH = "/demo/mail"
"""The path under which the demo shows emails, which it does not send."""

PUBLISHER = "Motori Demo"
"""The name of the magazine, in feeds, sitemaps and emails."""

REFERENCE_SLUG = "jaguar-land-rover-allo-studio-una-fabbrica-per-produrre-batterie"
WITHDRAWN_SLUG = "stellantis-il-calendario-dei-porte-aperte"


def environment(database: Path) -> dict[str, str]:
    """Return the settings of a demo with this SQLite file, as environment variables."""
    url = f"sqlite:///{database}"
    return {
        "NEWSAPI_DATABASE_URL": url,
        "NEWSAPI_SMTP_URL": email_folder(url).as_uri(),
        "NEWSAPI_PUBLISHER": PUBLISHER,
        PICTURES_VARIABLE: "on",
    }


def defaults() -> dict[str, str]:
    """Return the settings of a demo that its environment may replace, as environment variables.

    One server process suffices for one person. Without Pillow, which is optional, the demo does not resize its images.
    """
    has_pillow = importlib.util.find_spec("PIL") is not None
    resizing = {"NEWSAPI_IMAGE_URL": RESIZED_PICTURES} if has_pillow else {}
    return {"NEWSAPI_MEASURE_IMAGES": "any", "NEWSAPI_PROCESSES": "1", **resizing}


def resized_pictures_folder(database_url: str) -> Path:
    """Return the folder, next to the database, in which resized images are kept."""
    return Path(database_url.removeprefix("sqlite:///")).with_suffix(".pictures")


def email_folder(database_url: str) -> Path:
    """Return the folder, next to the database, to which emails are written."""
    return Path(database_url.removeprefix("sqlite:///")).with_suffix(".mail")


def clear(database: Path) -> None:
    """Delete the database, the emails and the resized images of an earlier demo."""
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    shutil.rmtree(resized_pictures_folder(str(database)), ignore_errors=True)
    for email in email_folder(str(database)).glob("*.eml"):
        email.unlink(missing_ok=True)


def stream(api_url: str) -> BinaryIO:
    """Return the records as NDJSON, with the image URLs of this demo."""
    text = RECORDS.read_text(encoding="utf-8")
    text = text.replace(f"{DEFAULT_URL}{PICTURES_PATH}/", f"{api_url}{PICTURES_PATH}/")
    # Links between articles lead to the API, and to the site if there is one: never to a path of the API on the site.
    return BytesIO(text.replace('href=\\"/v1/articles/', f'href=\\"{api_url}/v1/articles/').encode())


def tour_text(api_url: str) -> str:
    """Return the URLs to try as lines of text, the reference page first."""
    stops = (
        ("The reference page with related articles", f"/v1/articles/{REFERENCE_SLUG}?include=related"),
        ("The newest articles", "/v1/articles"),
        ("Articles of a brand", "/v1/articles?brand=land-rover"),
        ("Articles of a brand group", "/v1/articles?group=jaguar-land-rover&total=true"),
        ("Articles about Tesla", "/v1/articles?about=tesla"),
        ("Galleries of 2016", "/v1/articles?format=gallery&published_from=2016-01-01&published_until=2017-01-01"),
        ("Headlines and images only", "/v1/articles?section=anteprime&fields=headline,image.url"),
        ("Brands", "/v1/brands"),
        ("An author and their articles", "/v1/authors/francesco-donnici?include=articles"),
        ("A withdrawn article", f"/v1/articles/{WITHDRAWN_SLUG}"),
        ("Emails (not sent)", MAIL_PATH),
        ("The documentation", "/docs"),
        ("These links as a page", "/"),
    )
    width = max(len(title) for title, _ in stops)
    return "\n".join(f"{title:<{width}}  {api_url}{path}" for title, path in stops)
