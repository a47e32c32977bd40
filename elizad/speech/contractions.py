"""What short and slurred words stand for: (keys, how they are said back). Data only; no rule that looks at neighbours.

`'S` and `'D` are keys for a while: context.py makes IS, HAS, WOULD or HAD of them when it sees what follows.
"""

from __future__ import annotations

import sys
from typing import Final

__all__ = ["EXPANDED", "Expansion"]

Expansion = tuple[tuple[str, ...], tuple[str, ...]]

_SUBJECTS: Final = {
    "'m": "i",
    "'re": "you we they",
    "'ve": "i you we they who could should would might must may",
    "'ll": "i you he she it we they that this there who what nobody everybody somebody everyone someone",
    "'d": "i you he she it we they there who that nobody everybody somebody everyone someone",
    "'s": "he she it that this there here what who where when why how everybody everyone everything something nobody "
    "nothing somebody someone",
}
_ENDINGS: Final = {"'m": "am", "'re": "are", "'ve": "have", "'ll": "will", "'d": "'d", "'s": "'s"}

_NEGATIVES: Final = (
    "don't doesn't didn't can't couldn't won't wouldn't shouldn't isn't aren't wasn't weren't haven't hasn't hadn't "
    "mustn't needn't ain't shan't mightn't"
)
# Typed without the apostrophe. Not here, because they are words too: wont, were, well, ill, hell, shell, id, its, wed.
_BARE: Final = {
    "im": "i'm", "ive": "i've", "youre": "you're", "youve": "you've", "youll": "you'll", "youd": "you'd",
    "theyre": "they're", "theyve": "they've", "theyll": "they'll", "weve": "we've", "hes": "he's", "shes": "she's",
    "thats": "that's", "whats": "what's", "wheres": "where's", "theres": "there's", "couldve": "could've",
    "shouldve": "should've", "wouldve": "would've",
}  # fmt: skip
_WORDS_TOO: Final = ("wont", "shant")

_SLURRED: Final = {
    "gonna": "going to", "wanna": "want to", "gotta": "have to", "dunno": "don't know", "idk": "i don't know",
    "gimme": "give me", "lemme": "let me", "kinda": "kind of", "sorta": "sort of", "outta": "out of", "lotta": "lot of",
    "coulda": "could have", "shoulda": "should have", "woulda": "would have", "let's": "let us", "'em": "them",
    "y'all": "you all", "'til": "until", "'cause": "because", "cuz": "because", "coz": "because", "cos": "because",
    "u": "you", "ur": "your", "thru": "through", "tho": "though", "&": "and", "+": "plus", "=": "equals",
    "mhm": "yes", "mmhm": "yes", "mm-hmm": "yes", "mhmm": "yes", "uh-huh": "yes", "uh-uh": "no", "nuh-uh": "no",
    "mm-mm": "no", "i": "i",
}  # fmt: skip
_FILLERS: Final = "um umm ummm uh uhh uhm er erm err hm hmm hmmm mm mmm ah ahh ahem"


def _expansion(text: str) -> Expansion:
    words = text.split()
    return tuple(sys.intern(word.upper()) for word in words), tuple("I" if word == "i" else word for word in words)


def _table() -> dict[str, Expansion]:
    table = {
        subject + short: f"{subject} {_ENDINGS[short]}"
        for short, subjects in _SUBJECTS.items()
        for subject in subjects.split()
    }
    for word in _NEGATIVES.split():
        table[word] = word
        if (bare := word.replace("'", "")) not in _WORDS_TOO:
            table[bare] = word
    table["cannot"] = "can't"
    table |= {bare: table[full] for bare, full in _BARE.items()} | _SLURRED
    expanded = {short.upper(): _expansion(text) for short, text in table.items()}
    expanded |= {filler.upper(): ((), ()) for filler in _FILLERS.split()}
    expanded["OKAY"] = expanded["O-K"] = (("OK",), ("okay",))
    return expanded


EXPANDED: Final = _table()
