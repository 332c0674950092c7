"""Message catalogue of the texts for subscribers: emails and the preferences page."""

from __future__ import annotations

from datetime import date
from typing import Final

from babel import Locale, dates

LANGUAGES: Final = ("it", "en")
"""Languages of the catalogue."""


def choose_language(tag: str | None, default: str) -> str:
    """Return the catalogue language of a BCP 47 tag, or the default if the catalogue does not have it."""
    language = (tag or "").partition("-")[0].lower()
    return language if language in LANGUAGES else default


def format_long_date(value: date, language: str) -> str:
    """Return a date in the long format of a language: "26 luglio 2016"."""
    return dates.format_date(value, "long", Locale(language))


def format_topic(kind: str, name: str, language: str) -> str:
    """Return a topic as it continues the word "updates": "su Land Rover", "dalla sezione Curiosità"."""
    return _TOPICS[language][kind].format(name)


_TOPICS: Final = {
    "it": {"brand": "su {}", "section": "dalla sezione {}", "author": "da {}"},
    "en": {"brand": "on {}", "section": "from the section {}", "author": "from {}"},
}

MESSAGES: Final = {
    "it": {
        "hello": "Ciao,",
        "confirm_subject": "Conferma: aggiornamenti {topic}",
        "confirm_why": "ci hai chiesto di ricevere aggiornamenti {topic}. Per iniziare manca solo la tua conferma.",
        "confirm_do": "Confermo",
        "confirm_not": (
            "Non l’hai chiesto tu? Non fare nulla: senza conferma non ti scriveremo, e il tuo indirizzo sarà eliminato"
            " entro tre giorni."
        ),
        "never": "Elimina subito il mio indirizzo",
        "agreed": "Ecco che cosa hai accettato:",
        "already_subject": "Ricevi già aggiornamenti {topic}",
        "already_why": "ci hai chiesto di nuovo di ricevere aggiornamenti {topic}: li ricevi già. È tutto a posto.",
        "already_not": "Non l’hai chiesto tu? Non fare nulla: non cambia niente.",
        "new_article": "C’è un nuovo articolo",
        "some_subject": "{count} novità {topic}",
        "daily_subject": "Le novità di oggi: {count} articoli",
        "weekly_subject": "Le novità della settimana: {count} articoli",
        "immediate_subject": "{count} nuovi articoli",
        "daily_head": "Le novità del giorno",
        "weekly_head": "Le novità della settimana",
        "read": "Leggi l’articolo",
        "more": "Altri articoli che trovi sul sito: {count}.",
        "why": "Ricevi questa e-mail perché il giorno {day} hai chiesto aggiornamenti {topic}.",
        "why_several": "Ricevi questa e-mail perché hai chiesto aggiornamenti {topics}.",
        "and": "e",
        "leave": "Annulla l’iscrizione",
        "leave_all": "Annulla tutte le iscrizioni",
        "manage": "Le tue preferenze",
        "privacy": "Privacy",
        "page_confirm": "Vuoi ricevere aggiornamenti {topic}?",
        "page_confirm_do": "Sì, confermo",
        "page_confirmed": "Fatto: riceverai aggiornamenti {topic}.",
        "page_leave": "Non vuoi più ricevere aggiornamenti {topic}?",
        "page_leave_all": "Non vuoi più ricevere alcun aggiornamento?",
        "page_leave_do": "Annulla l’iscrizione",
        "page_left": "Fatto: su questo non ti scriveremo più. Se non segui altro, il tuo indirizzo è stato eliminato.",
        "page_manage": "Le tue preferenze",
        "page_of": "Qui trovi tutto ciò che segui con l’indirizzo {email}.",
        "page_nothing": "Non segui nulla.",
        "page_pending": "non ancora confermato",
        "page_language": "Lingua",
        "page_zone": "Fuso orario",
        "page_save": "Salva",
        "page_saved": "Le tue preferenze sono state salvate.",
        "page_stop": "Smetti di seguire",
        "page_export": "Scarica i tuoi dati",
        "page_erase": "Elimina tutti i miei dati",
        "page_erase_why": (
            "Eliminiamo l’indirizzo e tutto ciò che lo riguarda. Resta solo un’impronta cifrata, che serve a non"
            " scriverti mai più."
        ),
        "page_erased": "Fatto: i tuoi dati sono stati eliminati e non ti scriveremo più.",
        "page_over": "Questo link non è più valido",
        "page_over_why": "È già stato usato, oppure è scaduto. Ne trovi uno nuovo in fondo a ogni nostra e-mail.",
        "immediate": "Subito",
        "daily": "Una volta al giorno",
        "weekly": "Una volta alla settimana",
        "it": "Italiano",
        "en": "English",
    },
    "en": {
        "hello": "Hello,",
        "confirm_subject": "Please confirm: updates {topic}",
        "confirm_why": "you asked to receive updates {topic}. Please confirm to start your subscription.",
        "confirm_do": "I confirm",
        "confirm_not": (
            "Was it not you? Do nothing: we will not write to you, and your address will be deleted within three days."
        ),
        "never": "Delete my address now",
        "agreed": "This is what you agreed to:",
        "already_subject": "You already receive updates {topic}",
        "already_why": "you asked again to receive updates {topic}: you already receive them.",
        "already_not": "Was it not you? Do nothing: nothing changes.",
        "new_article": "There is a new article",
        "some_subject": "{count} new articles {topic}",
        "daily_subject": "Today’s news: {count} articles",
        "weekly_subject": "This week’s news: {count} articles",
        "immediate_subject": "{count} new articles",
        "daily_head": "Today’s news",
        "weekly_head": "This week’s news",
        "read": "Read the article",
        "more": "More articles on our site: {count}.",
        "why": "You receive this email because you asked for updates {topic} on {day}.",
        "why_several": "You receive this email because you asked for updates {topics}.",
        "and": "and",
        "leave": "Unsubscribe",
        "leave_all": "Unsubscribe from everything",
        "manage": "Your preferences",
        "privacy": "Privacy",
        "page_confirm": "Do you want to receive updates {topic}?",
        "page_confirm_do": "Yes, I confirm",
        "page_confirmed": "Done: you will receive updates {topic}.",
        "page_leave": "Do you want to stop receiving updates {topic}?",
        "page_leave_all": "Do you want to stop receiving all updates?",
        "page_leave_do": "Unsubscribe",
        "page_left": "Done: we will not write to you about it. If you follow nothing else, your address was deleted.",
        "page_manage": "Your preferences",
        "page_of": "Everything you follow with the address {email}.",
        "page_nothing": "You do not follow anything.",
        "page_pending": "not confirmed yet",
        "page_language": "Language",
        "page_zone": "Time zone",
        "page_save": "Save",
        "page_saved": "Your preferences were saved.",
        "page_stop": "Stop following",
        "page_export": "Download your data",
        "page_erase": "Delete all my data",
        "page_erase_why": (
            "We delete your address and everything linked to it. We keep only a keyed fingerprint, so that we never"
            " write to you again."
        ),
        "page_erased": "Done: your data was deleted and we will not write to you again.",
        "page_over": "This link is no longer valid",
        "page_over_why": "It was already used, or it has expired. There is a new one at the end of every email.",
        "immediate": "Immediately",
        "daily": "Once a day",
        "weekly": "Once a week",
        "it": "Italiano",
        "en": "English",
    },
}
"""Messages by language and name. Values in braces are filled in; a topic is formatted by `format_topic`."""
