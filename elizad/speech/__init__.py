"""Words for the ear. Pure text: no platform, no conversation, no clock; of ELIZA only the shape of a diction.

spoken.py        the spoken diction: hear, mirror, utter
  hearing.py       what the caller said -> keys; with tokens.py (words, clauses), context.py (fillers, stutters,
                   possessives) and the data of contractions.py and everyday.py
  person.py        the caller's words said back: who is I and who is you (roles.py), verbs that agree (verbs.py)
  prose.py         a reply of its words: marks, sentence case
  farewell.py      leave-takings
numerals.py      numbers and signs as words; with number_rules.py, dates.py, quantities.py, signs.py, abbreviations.py,
                 number_words.py (num2words) and rules.py
chunks.py        a reply in pieces that can be said one by one
annotations.py   what platforms append to the caller's words
"""
