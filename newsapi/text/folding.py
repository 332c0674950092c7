"""Folded text: what two spellings of a name have in common."""

import unicodedata
from typing import Final

# Letters whose stroke or ligature is no combining mark, so that decomposition leaves them as they are.
_LETTERS: Final = str.maketrans(
    {
        "æ": "ae",
        "ð": "d",
        "đ": "d",
        "ħ": "h",
        "ı": "i",
        "ĸ": "k",
        "ł": "l",
        "ŋ": "n",
        "ø": "o",
        "œ": "oe",
        "þ": "th",
        "ŧ": "t",
        "ƒ": "f",
        "ɨ": "i",
        "ə": "e",
        "ɛ": "e",
        "ɔ": "o",
    },
)
_ASCII: Final = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalnum()})
_MODIFIERS: Final = range(0x02B0, 0x0300)


def fold(text: str) -> str:
    """Fold a text for sorting and finding: "Škoda" and "SKODA" are "skoda", "L'Aquila" is "l aquila".

    Out: case folded, accents removed (NFKD without its marks), letters with a stroke and ligatures written plainly,
    whatever is neither letter nor digit a space, and white space folded. Folding twice changes nothing.
    """
    if text.isascii():
        return " ".join(text.lower().translate(_ASCII).split())
    # Twice: folding the case of what was taken apart can give something to take apart, and the other way round.
    for _ in range(2):
        text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(map(_plain, unicodedata.normalize("NFKD", text))).translate(_LETTERS)
    return " ".join(text.split())


def _plain(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Mn":
        return ""
    # Spacing marks are vowels in Indic scripts and belong to the word; modifier letters are mostly apostrophes.
    if kind[0] in "LN" or kind == "Mc":
        return " " if ord(character) in _MODIFIERS else character
    return " "
