"""The demo's records as a stream to import, and what there is to see."""

from __future__ import annotations

from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

RECORDS = files("newsapi.demo") / "content.ndjson"
"""An import file like any other: its pictures are at the address that a demo has if nothing is set."""

PICTURES = files("newsapi.demo") / "pictures"
PATH = "/demo/pictures"
"""Where the demo serves its pictures."""

USUAL = "http://127.0.0.1:8000"

SWITCH = "NEWSAPI_DEMO_PICTURES"
"""Set in the environment of the server processes of a demo."""

MAIL_PATH = "/demo/mail"
"""Where the demo shows the mail that it does not send."""

REFERENCE = "jaguar-land-rover-allo-studio-una-fabbrica-per-produrre-batterie"
WITHDRAWN = "stellantis-il-calendario-dei-porte-aperte"


def environment(database: Path) -> dict[str, str]:
    """Answer the settings of a demo whose database is this file."""
    url = f"sqlite:///{database}"
    return {"NEWSAPI_DATABASE_URL": url, "NEWSAPI_SMTP_URL": mail_folder(url).as_uri(), SWITCH: "on"}


def mail_folder(database_url: str) -> Path:
    """Answer the folder that mail goes into, beside the database."""
    return Path(database_url.removeprefix("sqlite:///")).with_suffix(".mail")


def clear(database: Path) -> None:
    """Remove what a demo left."""
    olds = [database, *(database.with_name(database.name + ending) for ending in ("-wal", "-shm"))]
    for old in (*olds, *mail_folder(str(database)).glob("*.eml")):
        old.unlink(missing_ok=True)


def stream(api_url: str) -> BinaryIO:
    """Answer the records as NDJSON, with the pictures at the address where this demo serves them."""
    text = RECORDS.read_text(encoding="utf-8")
    return BytesIO(text.replace(f"{USUAL}{PATH}/", f"{api_url}{PATH}/").encode())


def tour(api_url: str) -> str:
    """Answer the addresses to try, the reference page first."""
    stops = (
        ("The reference page, all of it", f"/v1/articles/{REFERENCE}?include=related"),
        ("What is new", "/v1/articles"),
        ("News of a brand", "/v1/articles?brand=land-rover"),
        ("News of a group", "/v1/articles?group=jaguar-land-rover&total=true"),
        ("All that names Tesla", "/v1/articles?about=tesla"),
        ("Galleries of 2016", "/v1/articles?format=gallery&published_from=2016-01-01&published_until=2017-01-01"),
        ("Headlines and pictures only", "/v1/articles?section=anteprime&fields=headline,image.url"),
        ("Brands", "/v1/brands"),
        ("An author and their articles", "/v1/authors/francesco-donnici?include=articles"),
        ("A withdrawn article, and why", f"/v1/articles/{WITHDRAWN}"),
        ("Mail, as nothing is sent", MAIL_PATH),
        ("The documentation", "/docs"),
    )
    width = max(len(title) for title, _ in stops)
    return "\n".join(f"{title:<{width}}  {api_url}{path}" for title, path in stops)
