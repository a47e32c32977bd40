"""How something was said: rules for expressions, when they speak, and that they leave no trace in what is folded."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elizad.conversation.remarks import Remarks
from elizad.conversation.said import AlreadySaid, mark, plain_words
from elizad.conversation.scores import AllScores
from elizad.eliza import FAITHFUL, Eliza, Step, scripts
from elizad.eliza.check import inspect
from elizad.eliza.expressions import BY_SCRIPT_NAME, NAMES, Voice, named, score, script_name
from elizad.eliza.parser import parse_script
from elizad.eliza.script import Say
from elizad.errors import ScriptError
from elizad.script_tools import show
from elizad.speech.spoken import Spoken
from tests.support.guided import HumeCall, agent, user

BASE = """
(Good day)
(NONE ((0) (Go on.) (I hear you.) (And then?)))
(MEMORY MY (0 YOUR 0 = One.) (0 YOUR 0 = Two.) (0 YOUR 0 = Three.) (0 YOUR 0 = Four.))
(I = YOU 0 ((0) (Why you?) (You again?)))
(MY = YOUR 12 ((0 YOUR 0) (Tell me of your 3.) (Your 3 again?)))
(KILL 60 ((0) (NEWKEY)))
(AM = ARE) (PUPPY 3 (=DOG))
(DOG 50 ((0) (A dog.) (Which dog?)))
"""
TIRED = """
(EXPRESSION (TIREDNESS 60) 5
  ((0 YOU ARE FINE 0) (You say fine, and it sounds tired to me.) (Fine, and tired, I hear you say.))
  ((0) (You sound tired to me, do you know it?) (What has made you so tired today, I wonder?)))
"""
DOCTOR = Eliza(scripts.read("doctor"), Spoken())


def eliza(rules: str) -> Eliza:
    return Eliza(BASE + rules, Spoken(), max_steps=1000)


def remark(rules: str, text: str, scores: dict[str, float], remarks: int = 0) -> str | None:
    one = eliza(rules)
    return one.remark(one.start(), text, Voice(scores, remarks))


# -- names ---------------------------------------------------------------------------------------------------------


def test_the_names_are_the_48_of_the_wire() -> None:
    assert (NAMES[0], NAMES[-1], NAMES[43]) == ("Admiration", "Triumph", "Surprise (negative)")
    assert len(NAMES) == 48
    assert len(BY_SCRIPT_NAME) == 48
    assert script_name("Surprise (negative)") == "SURPRISE.NEGATIVE"
    assert named("empathic pain") == "Empathic Pain"
    assert named("Tirednes") is None


@pytest.mark.parametrize(
    ("modifier", "emotion", "wanted"),
    [
        ("very", "tired", ("Tiredness", 0.75)),
        ("quite", "anxious", ("Anxiety", 0.6)),
        ("very slightly", "Tiredness", ("Tiredness", 0.15)),
        ("extremely", "surprised (negative)", ("Surprise (negative)", 0.9)),
        ("moderately", "empathic pain", ("Empathic Pain", 0.45)),
        ("quite", "purple", None),
        ("rather", "tired", None),
    ],
)
def test_words_for_an_expression_have_a_score(modifier: str, emotion: str, wanted: tuple[str, float] | None) -> None:
    assert score(modifier, emotion) == wanted


# -- the script language -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "line", "message"),
    [
        ("(EXPRESSION (TIREDNESS) ((0) (x.)))", 11, "expected how strong TIREDNESS must be, from 1 to 100"),
        ("(EXPRESSION (TIREDNESS 60 50) ((0) (x.)))", 11, "expected the name of an expression"),
        ("(EXPRESSION (TIREDNESS 60) 5\n  (=MY))", 12, "expected '('"),
        ("(EXPRESSION (TIREDNESS 60)\n  5)", 12, "this EXPRESSION rule says nothing"),
        ("(EXPRESSION (TIREDNESS 60) ((0) (x.)) 5)", 11, "malformed EXPRESSION rule"),
        ("(EXPRESSION (TIREDNESS 60)\n  ((0) (=MY)))", 12, "cannot link"),
        ("(EXPRESSION (TIREDNESS 60) ((0) (PRE (x) (=MY))))", 11, "cannot link"),
        ("(EXPRESSION (TIREDNESS 60) ((0) (Tell me of 2.)))", 11, "reassembly index '2' out of range"),
        ("(EXPRESSION (TIREDNESS 60) ((0) (x.))", 11, "malformed EXPRESSION rule"),
    ],
)
def test_a_rule_that_does_not_load_says_why_and_where(rule: str, line: int, message: str) -> None:
    with pytest.raises(ScriptError) as caught:
        eliza("\n" + rule)
    assert caught.value.line == line
    assert message in str(caught.value)


def test_expression_is_still_a_keyword_as_in_1966() -> None:
    rule = "(EXPRESSION ((0) (An expression.) (A face.)))"
    one = eliza(rule + TIRED)
    assert one.reply(one.start(), "what an expression")[1] == "An expression."
    with pytest.raises(ScriptError, match="keyword rule already specified for keyword 'EXPRESSION'"):
        eliza(rule + rule)
    with pytest.raises(ScriptError, match=r"line 11: expected '\('"):
        eliza("\n(SMILE (TIREDNESS 60) ((0) (x)))")  # any other keyword: as it was


def test_rules_for_expressions_change_nothing_in_what_words_do() -> None:
    plain, with_voices = eliza(""), eliza(TIRED)
    states = plain.start(), with_voices.start()
    assert states[0] == states[1]
    for text in ("my dog", "I am fine", "yes", "my cat", "hm", "so it goes", "my house"):
        (first, reply), (second, same) = plain.reply(states[0], text), with_voices.reply(states[1], text)
        assert reply == same
        states = first, second
        assert states[0] == states[1]


def test_the_program_of_1966_hears_no_voices() -> None:
    quiet = HumeCall(Eliza(BASE + TIRED, FAITHFUL))
    assert quiet.say("so it goes", {"Tiredness": 0.9}) == "GO ON."
    assert HumeCall(eliza(TIRED)).say("so it goes", {"Tiredness": 0.9}) == "You sound tired to me, do you know it?"


# -- competing with words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "strength", "wanted"),
    [
        ("so it goes", 0.6, "You sound tired to me, do you know it?"),  # NONE is below every rank
        ("so it goes", 0.59, None),
        ("I go", 0.9, "You sound tired to me, do you know it?"),  # 5 is above I's 0
        ("my cat", 0.9, None),  # and below MY's 12
        ("I am fine", 0.9, "You say fine, and it sounds tired to me."),
        ("puppy", 0.9, "You sound tired to me, do you know it?"),  # the rank of what was said, not of where links lead
        ("dog", 0.9, None),
        ("kill", 0.9, "You sound tired to me, do you know it?"),  # a keyword that gives up does not count
    ],
)
def test_a_rule_competes_by_its_rank(text: str, strength: float, wanted: str | None) -> None:
    assert remark(TIRED, text, {"Tiredness": strength}) == wanted


def test_all_the_expressions_of_a_rule_are_needed_and_the_higher_rank_wins() -> None:
    both = TIRED + "(EXPRESSION (CALMNESS 40 TIREDNESS 60) 7 ((0) (Calm, and tired.) (Quiet, and tired.)))"
    assert remark(both, "so", {"Tiredness": 0.6, "Calmness": 0.4}) == "Calm, and tired."
    assert remark(both, "so", {"Tiredness": 0.6, "Calmness": 0.3}) == "You sound tired to me, do you know it?"
    assert remark(both, "so", {"Calmness": 0.9}) is None


def test_a_rule_gives_up_to_the_next_and_at_last_to_the_words() -> None:
    guarded = "(EXPRESSION (TIREDNESS 60) 9 ((0 NOT 0) (NEWKEY)) ((0 X 0) (X.)))"
    assert remark(guarded + TIRED, "not so", {"Tiredness": 0.9}) == "You sound tired to me, do you know it?"
    assert remark(guarded, "not so", {"Tiredness": 0.9}) is None
    assert remark(guarded, "something else", {"Tiredness": 0.9}) is None


def test_remarks_take_turns() -> None:
    said = [remark(TIRED, "so", {"Tiredness": 0.9}, made) for made in range(3)]
    assert said[0] != said[1]
    assert said[0] == said[2]


def test_a_remark_is_explained() -> None:
    one = eliza(TIRED)
    trace: list[Step] = []
    assert one.remark(one.start(), "so it goes", Voice({"Tiredness": 0.7}), trace)
    assert trace[0] == Step("expression", "EXPRESSION (TIREDNESS 60), rank 5, is heard")
    assert trace[-1] == Step("reassembly", "1 of 2: (You sound tired to me, do you know it?)")
    trace.clear()
    assert one.remark(one.start(), "my cat", Voice({"Tiredness": 0.7}), trace) is None
    assert trace == [Step("expression", "EXPRESSION (TIREDNESS 60), rank 5, gives way to rank 12")]


# -- tools -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("(EXPRESSION (TIREDNES 60) ((0) (x y.)))", "no voice has the expression TIREDNES; did you mean TIREDNESS?"),
        ("(EXPRESSION (JOY 0) ((0) (x y.)))", "JOY 0: how strong it must be goes from 1 to 100"),
        ("(EXPRESSION (JOY 101) ((0) (x y.)))", "JOY 101: how strong it must be goes from 1 to 100"),
        (
            "(EXPRESSION (JOY 40) 9 ((0) (x y.)))\n(EXPRESSION (JOY 60 LOVE 5) 8 ((0) (z y.)))",
            "never answers: EXPRESSION (JOY 40) on line 11 answers before it",
        ),
        ("(EXPRESSION (JOY 40) 9 ((0 ME 0) (x y.)) ((0) (z y.)))", "(0 ME 0) never fits"),
        ("(EXPRESSION (JOY 40) 9 ((0) (x 3 .)))", None),
    ],
)
def test_check_finds_what_can_never_be(rule: str, message: str | None) -> None:
    if message is None:
        with pytest.raises(ScriptError, match="out of range"):
            parse_script(BASE + "\n" + rule)
        return
    source = BASE + "(ME = YOU)\n" + rule
    assert any(message in str(finding) for finding in inspect(parse_script(source, lambda written, key: written)))


def test_check_has_nothing_against_a_good_rule() -> None:
    assert not [
        found for found in inspect(parse_script(BASE + TIRED, lambda written, key: written)) if "EXPR" in str(found)
    ]


def test_show_has_the_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert show("doctor", "expression") == 0
    out = capsys.readouterr().out
    assert "EXPRESSION (CALMNESS 40 TIREDNESS 60)  rank 7  line" in out
    assert "    (You say it calmly, but you sound tired. How have you been sleeping?)" in out
    assert show("doctor") == 0
    assert "\nEXPRESSION (DISTRESS 75)\t16\t" in capsys.readouterr().out


# -- the doctor ------------------------------------------------------------------------------------------------------


def _remarks_of(script: Eliza) -> list[str]:
    return [
        " ".join("{0}" if isinstance(part, int) else part.said for part in one.parts)
        for expression in script.script.expressions
        for transformation in expression.rule.transformations
        for one in transformation.reassemblies
        if isinstance(one, Say)
    ]


def test_remarks_of_the_doctor_are_known_again_and_taken_for_nothing_else() -> None:
    marks = [mark(text) for text in _remarks_of(DOCTOR)]
    assert len(marks) >= 40
    assert all(len(one.split()) >= 4 for one in marks)
    rules = (*DOCTOR.script.rules.values(), DOCTOR.script.none)
    others = [
        plain_words(" ".join("x" if isinstance(part, int) else part.said for part in one.parts))
        for rule in rules
        for transformation in rule.transformations
        for one in transformation.reassemblies
        if isinstance(one, Say)
    ]
    assert not [(one, text) for one in marks for text in others if one in text]


@pytest.mark.parametrize("expression", DOCTOR.script.expressions, ids=lambda one: one.rule.keyword)
def test_every_rule_of_the_doctor_answers(expression: Any) -> None:
    scores = {BY_SCRIPT_NAME[name]: percent / 100 for name, percent in expression.needs}
    texts = _remarks_of(DOCTOR)
    said = {DOCTOR.remark(DOCTOR.start(), "so it goes", Voice(scores, made)) for made in range(4)}
    assert None not in said
    assert all(any(mark(text) in plain_words(str(one)) for text in texts) for one in said)


@pytest.mark.parametrize(
    "words",
    [
        "I am not tired",
        "I'm so happy",
        "I feel great",
        "my mother died",
        "I'm scared",
        "thank you",
        "goodbye",
        "hello",
        "",
    ],
)
def test_the_doctor_lets_words_speak_that_tell_a_feeling_or_call_for_an_answer(words: str) -> None:
    scores = {"Tiredness": 0.7, "Calmness": 0.5, "Sadness": 0.7, "Joy": 0.7}
    assert DOCTOR.remark(DOCTOR.start(), words, Voice(scores)) is None


@pytest.mark.parametrize("words", ["this is terrible", "nothing works", "it is not good"])
def test_heavy_words_are_never_called_glad(words: str) -> None:
    assert DOCTOR.remark(DOCTOR.start(), words, Voice({"Joy": 0.99, "Relief": 0.99})) is None


def test_remarks_come_at_most_every_fifth_turn_and_are_never_the_same_twice() -> None:
    call = HumeCall(DOCTOR)
    marks = [mark(text) for text in _remarks_of(DOCTOR)]
    said = [call.say("so it goes", {"Tiredness": 0.8}) for _ in range(21)]
    remarks = [at for at, text in enumerate(said) if any(one in plain_words(text) for one in marks)]
    assert remarks == [0, 5, 10, 15, 20]
    assert all(said[one] != said[other] for one, other in itertools.pairwise(remarks))


NEEDS = st.lists(
    st.tuples(st.sampled_from(["TIREDNESS", "CALMNESS", "JOY", "NOSUCH"]), st.sampled_from([0, 29, 40, 55, 60, 100])),
    min_size=1,
    max_size=3,
)


VOICES = [
    dict(zip(("Tiredness", "Calmness", "Joy"), scores, strict=True))
    for scores in itertools.product([0.0, 0.29, 0.4, 0.55, 1.0], repeat=3)
]


@settings(max_examples=60)
@given(st.lists(NEEDS, max_size=5, unique_by=tuple))
def test_a_voice_is_remarkable_if_a_rule_has_all_that_it_needs(rules: Any) -> None:
    texts = [" ".join(f"{name} {percent}" for name, percent in needs) for needs in rules]
    one = eliza("\n".join(f"(EXPRESSION ({text}) 5 ((0) (You sound so and so to me.)))" for text in texts))
    remarks = Remarks(one)
    for scores in ({"Joy": 0.6}, *VOICES):
        heard = any(one._has(Voice(scores), rule) for rule in one.script.expressions)
        assert (remarks.voice(scores, AlreadySaid()) is not None) == heard
        whole = AllScores(*(scores.get(name, 0.0) for name in NAMES))
        assert (remarks.voice(whole, AlreadySaid()) is not None) == heard


def test_a_remark_that_was_broken_off_at_once_was_not_made() -> None:
    call = HumeCall(DOCTOR)
    first = call.say("so it goes", {"Tiredness": 0.8})
    call.thread[-1] = agent("You")
    assert call.say("yes", {"Tiredness": 0.8}) == first


# -- the fold --------------------------------------------------------------------------------------------------------

SCORES = st.one_of(
    st.none(),
    st.dictionaries(
        st.sampled_from(["Tiredness", "Joy", "Calmness", "X"]), st.sampled_from([-1, 0, 0.5, 0.7, 1, 7, "x"])
    ),
)
TURNS = st.lists(
    st.tuples(st.sampled_from(["my cat", "so it goes", "I am fine", "yes", "", "dog {very tired}"]), SCORES),
    min_size=1,
    max_size=9,
)


@settings(max_examples=150, deadline=None)
@given(TURNS)
def test_a_payload_gets_the_same_reply_on_a_fresh_connection_as_on_a_used_one(turns: Any) -> None:
    one = eliza(TIRED)
    used = HumeCall(one)
    for text, scores in turns:
        used.thread.append(user(text, scores))
        reply = used.reply(used.thread)
        fresh = HumeCall(one).reply(used.thread)
        assert (fresh.said, fresh.folded) == (reply.said, reply.folded)
        assert used.reply(used.thread).said == reply.said  # the same payload again
        used.thread.append(agent(reply.said))


@settings(max_examples=60, deadline=None)
@given(TURNS, st.randoms())
def test_how_older_turns_were_said_does_not_matter_any_more(turns: Any, random: Any) -> None:
    one = eliza(TIRED)
    thread: list[dict[str, Any]] = []
    for text, scores in turns:
        thread += user(text, scores), agent("Go on.")
    thread.pop()
    forgetful = json.loads(json.dumps(thread))
    for message in forgetful[:-1]:
        if "models" in message:
            message["models"] = random.choice([None, {"prosody": None}, {"prosody": {"scores": {"Tiredness": 1}}}])
    assert HumeCall(one).reply(forgetful) == HumeCall(one).reply(thread)


def test_a_payload_that_goes_back_a_turn_is_answered_from_where_that_turn_began() -> None:
    one = eliza(TIRED + "(FLIP 9 ((0) (NEWKEY) (Flop.)))")  # gives up the first time, answers the second
    first, second = user("flip", {"Tiredness": 0.9}), user("my cat", {"Tiredness": 0.9})
    used = HumeCall(one)
    wanted = "You sound tired to me, do you know it?"
    assert used.reply([first]).said == wanted
    assert used.reply([first, agent("x"), second]).said == "Tell me of your cat."
    assert used.reply([first]).said == wanted
