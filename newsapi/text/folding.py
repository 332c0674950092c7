"""Text folding: one form for all spellings of a name."""

import unicodedata
from typing import Final

# Letters whose stroke or ligature is not a combining mark, so that decomposition does not change them.
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
    """Return a text folded for sorting and matching: "Škoda" and "SKODA" become "skoda", "L'Aquila" "l aquila".

    Args:
        text: Plain text.

    Returns:
        The text with its case folded, without accents (NFKD without its marks) and invisible characters; letters with a
        stroke and ligatures are replaced by plain letters, every other character that is neither a letter nor a digit
        by a space, and white space is collapsed. Folding is idempotent.
    """
    if text.isascii():
        return " ".join(text.lower().translate(_ASCII).split())
    # Twice: case folding of decomposed text can yield decomposable characters, and the other way round.
    for _ in range(2):
        text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(map(_fold_character, unicodedata.normalize("NFKD", text))).translate(_LETTERS)
    return " ".join(text.split())


def _fold_character(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Cf", "Mn"}:  # format characters are invisible: soft hyphens, zero-width joiners
        return ""
    # Spacing marks are vowels in Indic scripts and belong to the word; modifier letters are mostly apostrophes.
    if category[0] in "LN" or category == "Mc":
        return " " if ord(character) in _MODIFIERS else character
    return " "
