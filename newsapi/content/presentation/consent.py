"""The consent text of the email subscription form, which articles show with their subscription offer."""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

_CONSENT: Final = {
    "it": (
        "Inserendo il mio indirizzo chiedo{of} di ricevere per e-mail gli aggiornamenti che ho scelto. L’indirizzo"
        " serve solo a questo. Posso cambiare idea in qualsiasi momento, con un clic in ogni e-mail; quando non seguo"
        " più nulla l’indirizzo viene eliminato.{privacy}"
    ),
    "en": (
        "By entering my address I ask{of} to send me the updates I chose by email. The address is used for nothing"
        " else. I can change my mind at any time, with one click in every email; when I no longer follow anything, the"
        " address is deleted.{privacy}"
    ),
}


_OF: Final = {"it": " a {}", "en": " {}"}


_PRIVACY: Final = {"it": " Informativa sulla privacy: {}", "en": " Privacy policy: {}"}


class Consent(NamedTuple):
    """The text that a subscriber consents to; every wording has its own version."""

    version: str
    text: str
    language: str


def consent_text(language: str, publisher: str | None, privacy_url: str | None) -> Consent:
    """Return the consent text of the subscription form. Its version is the language and a hash of the wording."""
    addressee = _OF[language].format(publisher) if publisher else ""
    privacy = _PRIVACY[language].format(privacy_url) if privacy_url else ""
    text = _CONSENT[language].format(of=addressee, privacy=privacy)
    return Consent(f"{language}-{hashlib.blake2b(text.encode(), digest_size=5).hexdigest()}", text, language)
