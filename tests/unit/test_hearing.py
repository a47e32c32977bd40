"""What is heard. In the tables a key stands after its word where it is not the word in capitals: `am|A-M`."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from elizad.speech.farewell import is_goodbye
from elizad.speech.hearing import _EXPANDED, _PLAIN, _hear_all, hear
from tests.support.everyday import talk

TYPED = {
    "I am sad.": "I am sad",
    "Yes.": "yes",
    "  ": "",
    "...": "",
    "?!,": "",
    "Hello": "hello",
    # what ends a clause
    "I ate, she slept; we left: all of us. Why? Go!": "I ate , she slept , we left , all of us . why . go",
    "wait -- what - where—then – there": "wait , what , where , then , there",
    "hello ,how.are you": "hello how . are you",
    "no!I said so.My mother,too": "no . I said so . my mother , too",
    "He came (late), “drunk”.": "he came late , drunk",
    # and what does not
    "Dr. Lee and J. K. Rowling met Mr. Smith Jr. here": "Dr.|DR Lee and J.|J K.|K Rowling met Mr.|MR Smith Jr.|JR here",
    "e.g. a Ph.D. of the U.S.A. etc. and so on": "e.g.|E-G a Ph.D.|PH-D of the U.S.A.|U-S-A etc.|ETC and so on",
    "I get up at 6 a.m. and then I run": "I get up at 6 a.m.|A-M and then I run",
    "I get up at 6 a.m. My wife sleeps": "I get up at 6 a.m.|A-M . my wife sleeps",
    "I live in the U.S. My wife too": "I live in the U.S.|U-S . my wife too",
    "room no. 5 or no. Five": "room no.|NO 5 or no . five",
    "it was $3.50, 50% of 1,000 at 10:30, .5": "it was $3.50|$3-50 , 50% of 1,000 at 10:30 , 0.5|0-5",
    "write to a.b@example.com.": "write to a.b@example.com|A-B@EXAMPLE-COM",
    "see https://example.com/a?b=c, it is mine": "see https://example.com/a?b=c|HTTPS://EXAMPLE-COM/A?B=C , it is mine",
    "see example.com. Good": "see example.com|EXAMPLE-COM . good",
    "I was... thinking… of you": "I was thinking of you",
    "I don't know... My mother is ill": "I don't know . my mother is ill",
    "and so do I. Now you": "and so do I . now you",
    "nothing but trouble but fun": "nothing but|EXCEPT trouble but fun",
    # what is no part of a word
    'my "old" (grey) [tom] <cat> *sighs* _loudly_': "my old grey tom cat sighs loudly",
    "I ‘like’ “it” ’round ‹here›": "I like it round here",
    "sad😢happy 👍🏽 ok :-) :( <3": "sad happy ok",
    "soft\u00adhyphen zero\u200bwidth\ufeff nul\x00byte tab\tline\nend": "softhyphen zerowidth nul byte tab line end",
    "brother-in-law's well-known and/or C++": "brother-in-law 's well-known and/or C++",
    "café naïve Zoë e\u0301te\u0301": "café naïve Zoë été",
    "मैं दुखी हूँ": "मैं दुखी हूँ",
    "你好。我很难过": "你好 . 我很难过",
    # case
    "My mother and Anna": "my mother and Anna",
    "Anna hates me. The dog too. I am. Paris is far": "Anna hates me . the dog too . I am . Paris is far",
    "I HATE MY BOSS AT NASA. I do": "I hate my boss at NASA . I do",
    "WHY. I watch TV in the USA and work in IT, SO GOOD": "why . I watch TV in the USA and work in IT , so good",
    "the UN, the YMCA and QRX": "the UN , the YMCA and QRX",
    "I REALLY LIKE IT IN ROME": "I really like it in rome",
    "I saw My Fair Lady with my aunt": "I saw My|'MY' Fair Lady with my aunt",
    "I love My Mother. I Love My Mother": "I love My Mother . I Love My Mother",
    # short forms
    "I'm I've I'll I'd go": "I am I have I will I would go",
    "I'd been there; I'd better go": "I had been there , I had better go",
    "you're he's she's been that's they're": "you are he is she has been that is they are",
    "who's there, what's new, let's go": "who is there , what is new , let us go",
    "DON'T didn't cannot WON’T": "don't didn't can't|CAN'T won't",
    "im ive youre dont didnt cant isnt": "I am I have you are don't didn't can't isn't",
    "were well ill wont hell shell id its": "were well ill wont hell shell id its",
    "ill go. it wont. id like that": "I will go . it won't . I would like that",
    "I do not and did not and could not": "I do_not|DON'T and did_not|DIDN'T and could_not|COULDN'T",
    "I'm gonna wanna gotta dunno": "I am going to want to have to don't know",
    "dunno": "I don't know",
    "'cause I left; cause he left; the cause": "because I left , because he left , the cause",
    "mhm. uh-uh. okay; fine. O.K.": "yes . no . okay|OK fine . okay|OK",
    "your an ass and your house is nice": "you are an ass and your house is nice",
    "my mother's house; my mother's dead; Anna's been": "my mother 's house , my mother is dead , Anna has been",
    "the boss' car, goin' out": "the boss car , going out",
    "someone's house; someone's calling; nobody's fool": "someone 's house , someone is calling , nobody 's fool",
    "they left us in the US, er, in the ER": "they left us in the US|U-S in the ER",
    "at 10 am I am up": "at 10 a.m.|A-M I am up",
}  # fmt: skip

RECOGNISED = {
    "um": "",
    "um i uh feel er sad": "I feel sad",
    "my my my mother": "my mother",
    "i was i was i was thinking": "I was thinking",
    "i want to i want to go": "I want to go",
    "no no no": "no",
    "no, no, my, my mother": "no my mother",
    "I wa- I was late": "I was late",
    "two- or three-year-old": "two or three-year-old",
    "very very sad and so so tired": "very very sad and so so tired",
    "call five five five six": "call five five five six",
    "again and again": "again and again",
    "my mother and my father": "my mother and my father",
    "well you know i was late": "well I was late",
    "i was you know a bit late": "I was a bit late",
    "it is, you know, late": "it is late",
    "i hate him, um, he lies": "I hate him , he lies",
    "i hate him, um he lies, uh": "I hate him , he lies",
    "i hate, um, him. uh. yes, um, i do": "I hate him . yes I do",
    "he left me, um are you him": "he left me , are you him",
    "it is hard, you know, i try": "it is hard , I try",
    "i am late you know": "I am late",
    "you know what": "you know what",
    "she left me for you know her boss": "she left me for her boss",
    "it was you know the best of the you know lot": "it was the best of the lot",
    "because you know her": "because you know her",
    "you know my mother": "you know my mother",
    "do you know her": "do you know her",
    "as you know i left": "as you know I left",
    "i mean he left": "he left",
    "i mean it": "I mean it",
    "you know what i mean": "you know what I mean",
    "he was like so angry": "he was so angry",
    "i was, like, angry": "I was angry",
    "i look like him": "I look like him",
    "um, i was, uh, thinking, you know, about my, like, mother": "I was thinking about my mother",
    "yes, i feel sad": "yes I feel sad",
    "well, no, i left, yes": "well no I left , yes",
}


def expected(words: str) -> tuple[list[str], list[str]]:
    pairs = [word.partition("|") for word in words.split()]
    return [key or word.upper() for word, _, key in pairs], [word.replace("_", " ") for word, _, _ in pairs]


@pytest.mark.parametrize("text", [*TYPED, *RECOGNISED])
def test_is_heard_as(text: str) -> None:
    assert hear(text) == expected((TYPED | RECOGNISED)[text])


def test_what_nobody_would_say_is_not_said_back() -> None:
    keys, said = hear("see " + "x" * 46)
    assert keys == ["SEE", "X" * 46]
    assert said == ["see", "something"]


@given(st.one_of(st.text(max_size=200), talk()))
@example("a-")
@example("- -- ... ,.,")
@example("'s 's")
@example("um,")
@example("you know, you know, you know")
@example("\ud800 x\udfff")
@example("ŉ ß İ ǆ")
@example("i mean")
@example("a.")
@example(".-")
def test_any_text_is_heard(text: str) -> None:
    keys, said = hear(text)
    assert len(keys) == len(said)
    assert keys[:1] not in (["."], [","])
    assert keys[-1:] not in (["."], [","])
    for key, word in zip(keys, said, strict=True):
        assert (key in (",", ".")) == (word in (",", ".")), "a border is a border in both"
        assert key in (",", ".") or "." not in key
        assert key == key.upper()
        assert not any(char.isspace() for char in key)
        assert word.strip() == word != ""


@given(talk())
def test_hearing_keeps_the_caller_s_content_words(text: str) -> None:
    _, said = hear(text)
    words = {word.lower() for word in said}
    for content in ("Paris", "Anna", "doctor", "school", "shouting", "forgive"):
        if f" {content.lower()} " in f" {text.lower()} ":
            assert content.lower() in words


WORDS = st.sampled_from(sorted({*_PLAIN, *_EXPANDED})) | st.text("abcdeilmnorstß", min_size=1, max_size=50)
CASED = WORDS | WORDS.map(str.capitalize) | WORDS.map(str.title) | WORDS.map(str.upper)


MARKED = st.tuples(WORDS | CASED, st.sampled_from(["", "", "", *".?!,:;"])).map("".join)


@given(st.lists(MARKED, max_size=8), st.sampled_from([" ", "  ", "\n", "\u3000"]))
@example(["x" * 45, "y" * 46], " ")
@example(["We", "saw", "My", "Fair", "Lady."], " ")
@example(["We", "left.", "My", "Fair", "Lady", "stayed"], " ")
@example(["The", "My", "Fair,", "Lady"], " ")
@example(["At", "6", "a.m."], " ")
@example(["He", "met", "Dr.", "No."], " ")
@example(["Good", "night,", "see", "you"], " ")
@example(["Good", "night,", "see", "you"], "  ")
@example(["Um.", "Maybe.", "Um,", "I", "do,", "um,", "now,"], " ")
def test_plain_talk_is_heard_as_when_each_word_is_hear_all(words: list[str], space: str) -> None:
    text = space.join(words)
    assert hear(text) == ((["GOODBYE"], ["goodbye"]) if is_goodbye(text) else _hear_all(text))
