"""Everyday English verbs and the small words round them: what decides whether a "you" is an "I" or a "me". Data only.

Keys are in capitals with straight apostrophes, as hearing.py makes them.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ADVERBS",
    "AUXILIARIES",
    "BASES",
    "BE",
    "CAUSATIVES",
    "CLAUSE_VERBS",
    "CONJUNCTIONS",
    "DETERMINERS",
    "FINITE",
    "GIVERS",
    "PASTS",
    "PREPOSITIONS",
    "PRONOUNS",
    "VERBS",
    "listed",
]


def listed(text: str) -> frozenset[str]:
    """Return the words of `text` as keys."""
    return frozenset(text.upper().split())


BE: Final = listed("am are is was were aren't isn't wasn't weren't ain't")
AUXILIARIES: Final = BE | listed(
    "do does did don't doesn't didn't have has had haven't hasn't hadn't can could can't couldn't will would won't "
    "wouldn't shall should shan't shouldn't may might must mustn't mightn't ought cannot"
)

# base/past, and base/past/participle where the two differ; a base alone has a regular past.
_IRREGULAR: Final = (
    "be/been become/became begin/began/begun bite/bit/bitten blow/blew/blown break/broke/broken bring/brought "
    "build/built burn/burnt buy/bought catch/caught choose/chose/chosen come/came cost cut deal/dealt dig/dug "
    "do/did/done draw/drew/drawn dream/dreamt drink/drank/drunk drive/drove/driven eat/ate/eaten fall/fell/fallen "
    "feed/fed feel/felt fight/fought find/found fly/flew/flown forget/forgot/forgotten forgive/forgave/forgiven "
    "freeze/froze/frozen get/got/gotten give/gave/given go/went/gone grow/grew/grown hang/hung have/had hear/heard "
    "hide/hid/hidden hit hold/held hurt keep/kept know/knew/known lay/laid lead/led learn/learnt leave/left lend/lent "
    "let lie/lay lose/lost make/made mean/meant meet/met owe/owed pay/paid put quit read ride/rode/ridden "
    "ring/rang/rung rise/rose/risen run/ran say/said see/saw/seen seek/sought sell/sold send/sent set "
    "shake/shook/shaken shoot/shot show/showed/shown shut sing/sang/sung sit/sat sleep/slept speak/spoke/spoken "
    "spend/spent stand/stood steal/stole/stolen stick/stuck swear/swore/sworn swim/swam/swum take/took/taken "
    "teach/taught tear/tore/torn tell/told think/thought throw/threw/thrown understand/understood wake/woke/woken "
    "wear/wore/worn win/won write/wrote/written"
)
_REGULAR: Final = (
    "accept accuse ache act add admire admit adore advise agree allow annoy answer apologise apologize appear "
    "appreciate argue arrive ask assume attack avoid bear beg behave believe belong betray blame bless bore bother "
    "bully call calm cancel care carry change chase cheat check clean close collapse comfort complain concern confuse "
    "consider control cook cope cough count create criticise criticize cross cry damage dance decide deny depend "
    "describe deserve despise destroy detest die disagree disappoint disappear discuss dislike divorce doubt dread "
    "dress drop end enjoy envy escape exist expect explain fail fancy fear fill finish fire fix follow force frighten "
    "gamble gossip greet guess handle happen hate heal help hire hope hug hurry ignore imagine improve insist insult "
    "interrupt invite join joke judge jump kick kill kiss knock lack laugh lecture lift like listen live loan look "
    "love manage marry matter mention mind miss mistreat move nag name need notice obey offend offer open order pack "
    "panic pass pity plan play please practise practice pray prefer prepare pretend promise protect prove pull punish "
    "push question quote reach realise realize rebuild refuse regret reject relax rely remember remind repeat replace "
    "report resent respect rest retire return ruin save scare scream scold seem separate serve share shout sign skip "
    "smell smile smoke solve sound spoil start stay stop struggle study suck suffer suggest suppose surprise survive "
    "suspect talk taste tease terrify thank threaten tire touch train travel treat trick trouble trust try turn upset "
    "use visit vomit wait walk want warn wash waste watch weigh whisper wish wonder work worry worship yell"
)


def _past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ied"
    if base in ("stop", "drop", "hug", "nag", "beg", "plan", "skip", "admit", "regret", "chat", "shop"):
        return base + base[-1] + "ed"
    return base + "ed"


def _third(base: str) -> str:
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + ("es" if base.endswith(("s", "sh", "ch", "x", "z", "o")) else "s")


BASES: Final = frozenset(entry.split("/")[0].upper() for entry in _IRREGULAR.split()) | listed(_REGULAR)
_PAST_FORMS: Final = frozenset(entry.split("/")[1].upper() for entry in _IRREGULAR.split() if "/" in entry) | frozenset(
    _past(base).upper() for base in [*_REGULAR.split(), "learn", "dream", "burn"]
)
_PARTICIPLES: Final = frozenset(entry.split("/")[-1].upper() for entry in _IRREGULAR.split() if "/" in entry)

PASTS: Final = (_PAST_FORMS | _PARTICIPLES) - BASES
"""Past forms and participles that are no infinitives too."""

FINITE: Final = (BASES | _PAST_FORMS) - {"BE", "BEEN"}
"""What can be the verb of "I" or "you": all but the auxiliaries."""

VERBS: Final = FINITE | _PARTICIPLES | frozenset(_third(base.lower()).upper() for base in BASES)
"""Verbs in any form but -ing."""

# "I gave you money": what follows is the gift, whatever it looks like.
GIVERS: Final = listed(
    "giving telling showing sending buying bringing paying offering teaching asking promising calling give gives gave "
    "given tell tells told show shows showed send sends sent buy buys bought bring brings brought owe owes owed lend "
    "lent cost costs pay pays paid offer offers offered teach taught ask asks asked promise promised remind reminds "
    "reminded call calls called thank thanks"
)
# "you make me cry": the verb after it belongs to the object.
CAUSATIVES: Final = listed(
    "make makes made making let lets letting help helps helped helping watch watched watching hear heard see saw seen "
    "seeing hearing have has"
)
# "I think you hate me": a clause may follow with no "that".
CLAUSE_VERBS: Final = listed(
    "think thinks thought thinking believe believes believed say says said saying know knows knew hope hopes hoped "
    "hoping wish wishes wished wishing feel feels felt feeling guess guessed suppose bet swear imagine imagined "
    "understand understood see saw heard realise realize realised realized notice noticed remember remembered forget "
    "forgot mean means meant doubt doubted assume assumed figure find found dream dreamed dreamt fear feared pretend "
    "pretended suspect suspected decided admit admitted suggest suggested insist complain complained worry worried"
)
PREPOSITIONS: Final = listed(
    "about above against among around at behind below beneath beside besides between beyond by concerning despite down "
    "for from in inside into near next of off on onto opposite over past regarding round through to toward towards "
    "under upon via with within without"
)
# The first six are prepositions as well; what follows decides.
CONJUNCTIONS: Final = listed(
    "after before since until till than like as except and because cause but how however if lest nor once or so that "
    "then though although unless what whatever when whenever where whereas wherever whether which while who whom whose "
    "why"
)
ADVERBS: Final = listed(
    "absolutely actually again almost already also always apparently barely basically certainly clearly completely "
    "constantly currently definitely deliberately eventually ever even finally first frankly fully generally genuinely "
    "hardly honestly hopefully immediately indeed just kindly lately literally maybe merely mostly nearly never not "
    "now obviously occasionally often once only perhaps possibly probably quickly quite rarely really recently "
    "secretly seldom seriously simply slowly sometimes somehow soon still suddenly surely then therefore totally truly "
    "usually yet yourself myself"
)
DETERMINERS: Final = listed(
    "a an the my your his her its our their this that these those some any no every each all much more most such what "
    "which good great bad old new first last only true real own same little big whole"
)
PRONOUNS: Final = listed("i you he she it we they who this that there everyone everybody someone somebody nobody")
