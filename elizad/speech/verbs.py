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
    "be/been bear/bore/borne become/became begin/began/begun bite/bit/bitten blow/blew/blown break/broke/broken "
    "bring/brought build/built burn/burnt buy/bought catch/caught choose/chose/chosen come/came cost cut deal/dealt "
    "dig/dug do/did/done draw/drew/drawn dream/dreamt drink/drank/drunk drive/drove/driven eat/ate/eaten "
    "fall/fell/fallen feed/fed feel/felt fight/fought find/found fly/flew/flown forget/forgot/forgotten "
    "forgive/forgave/forgiven freeze/froze/frozen get/got/gotten give/gave/given go/went/gone grow/grew/grown "
    "hang/hung have/had hear/heard hide/hid/hidden hit hold/held hurt keep/kept know/knew/known lay/laid lead/led "
    "learn/learnt leave/left lend/lent let lie/lied lose/lost make/made mean/meant meet/met owe/owed pay/paid put quit "
    "read ride/rode/ridden ring/rang/rung rise/rose/risen run/ran say/said see/saw/seen seek/sought sell/sold "
    "send/sent set shake/shook/shaken shoot/shot show/showed/shown shut sing/sang/sung sit/sat sleep/slept "
    "speak/spoke/spoken spend/spent stand/stood steal/stole/stolen stick/stuck swear/swore/sworn swim/swam/swum "
    "take/took/taken teach/taught tear/tore/torn tell/told think/thought throw/threw/thrown understand/understood "
    "wake/woke/woken wear/wore/worn win/won write/wrote/written"
)
_REGULAR: Final = (
    "abandon accept accompany accuse ache act add admire admit adopt adore advise agree allow annoy answer apologise "
    "apologize appear appreciate approach argue arrange arrive ask assume attack avoid beg behave believe belong "
    "betray blame bless bore borrow bother breathe bully bury call calm cancel care carry change charge chase chat "
    "cheat check claim clap clean climb close collapse comfort comment commit compare compete complain concern "
    "confuse connect consider contact continue control convince cook cope copy correct cough count create criticise "
    "criticize cross cry damage dance decide demand deny depend describe deserve despise destroy detest die disagree "
    "disappear disappoint discuss dislike disturb divorce doubt drag dread dress drop embarrass encourage end enjoy "
    "entertain envy escape exaggerate excuse exhaust exist expect explain fade fail fancy fear fill finish fire fix "
    "flirt follow fool force frighten gamble glare gossip grab greet grieve guess guide handle happen hate heal help "
    "hesitate hire hope hug hunt hurry ignore imagine imply impress improve insist inspire insult interest interfere "
    "interrupt invent invest invite irritate join joke judge jump kick kidnap kill kiss knock lack laugh lecture lick "
    "lift like listen live loan lock look love manage marry master matter measure mention mind miss mistreat mock "
    "motivate move mumble murder nag name need nod notice obey object observe occur offend offer open order own pack "
    "paint panic pass perform persuade pick pity plan play please possess pour practice practise pray prefer prepare "
    "press pretend produce program promise protect prove provide provoke pull punish pursue push question quote rate "
    "reach realise realize rebuild recall receive recognise recognize recommend record recover refer refuse regret "
    "reject relax rely remember remind repeat replace reply report request rescue resent respect rest retire retreat "
    "return reveal review rub ruin rush save scare scold scratch scream search seem sense separate serve settle share "
    "shock shout sigh sign skip slap smash smell smile smoke snap snore solve sound spoil stare start starve stay "
    "stink stop stress struggle study suck suffer suggest support suppose surprise surround survive suspect swallow "
    "swap sweat switch talk taste tease tend terrify thank threaten tickle tie tire touch train travel treat trick "
    "trouble trust try turn type undermine upset use value view visit volunteer vomit wait walk wander want warn wash "
    "waste watch wave weigh whisper wink wipe wish wonder work worry worship wreck yell"
)
# stop, stopped
_DOUBLED: Final = listed(
    "admit beg cancel chat clap commit control drag drop grab hug kidnap nag nod occur plan prefer refer regret rub "
    "skip slap snap stop swap travel"
)


def _past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ied"
    if base.upper() in _DOUBLED:
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
