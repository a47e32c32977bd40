"""Numbers, signs and abbreviations as a listener expects them. The tables are meant to be read, and added to."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from elizad.speech.abbreviations import _ABBREVIATION, _NAMES, may_need
from elizad.speech.numerals import _PLAIN, _SPECIAL, spell_out

NUMBERS = {
    "I am 30.": "I am thirty.",
    "I'm 30 and Dr. Lee charges $120": "I'm thirty and Doctor Lee charges one hundred and twenty dollars",
    "0 or 1?": "zero or one?",
    "You said “30”!": "You said “thirty”!",
    "my son (8) and my daughter, 10, are well": "my son (eight) and my daughter, ten, are well",
    "1000 reasons": "one thousand reasons",
    "1,000,000 reasons": "one million reasons",
    "1,234,567 bees": "one million two hundred and thirty-four thousand five hundred and sixty-seven bees",
    "999999999999": "nine hundred and ninety-nine billion nine hundred and ninety-nine million "
    "nine hundred and ninety-nine thousand nine hundred and ninety-nine",
    "1234567890123": "one two three, four five six, seven eight nine, zero one two three",
    "1,2,3 go": "one, two, three go",
    "PIN 0042": "PIN zero zero four two",
    "agent 007.": "agent zero zero seven.",
    "3.5 of them": "three point five of them",
    "0.25": "zero point two five",
    "only .5 left": "only point five left",
    "1,000.50": "one thousand point five zero",
    "It was -5 outside": "It was minus five outside",
    "It fell to −7.5.": "It fell to minus seven point five.",
    "the 1st, 2nd and 3rd time": "the first, second and third time",
    "her 22nd": "her twenty-second",
    "the 21ST century": "the twenty-first century",
    "the 101st and the 1,000th": "the one hundred and first and the one thousandth",
    "a 3-year-old": "a three-year-old",
    "1-on-1": "one-on-one",
    "my top-10": "my top-ten",
    "two 747s": "two seven hundred and forty-sevens",
    "all 6s": "all sixes",
    "1 in 3": "one in three",
    "~5 or <3 or >10": "about five or less than three or more than ten",
}
PAIRS = {
    "1/2 a cup": "one half a cup",
    "1/4": "one quarter",
    "3/4 of it": "three quarters of it",
    "2/3": "two thirds",
    "3/8": "three eighths",
    "1/16": "one sixteenth",
    "2 1/2 years": "two and a half years",
    "1 3/4 hours": "one and three quarters hours",
    "½ of it, and 2½ more": "one half of it, and two and a half more",
    "7/10, I'd say": "seven out of ten, I'd say",
    "120/80": "one hundred and twenty over eighty",
    "24/7": "twenty-four seven",
    "since 9/11": "since nine eleven",
    "50/50": "fifty fifty",
    "60/40": "sixty forty",
    "3-5 pages": "three to five pages",
    "3 – 5 pages": "three to five pages",
    "3—5 pages": "three to five pages",
    "from 9-5": "from nine to five",
    "5-10%": "five to ten percent",
    "1990-1995": "nineteen ninety to nineteen ninety-five",
    "5 - 3 = 2": "five minus three equals two",
    "2+2=4": "two plus two equals four",
    "1-2-3": "one two three",
    "they won 3:1": "they won three to one",
    "a 4x4": "a four by four",
    "4×4 or 3× more": "four by four or three times more",
    "3 x 4 metres": "three by four metres",
    "3x as much": "three times as much",
}
TIMES = {
    "at 3:30": "at three thirty",
    "at 3:05.": "at three oh five.",
    "at 3:00": "at three o'clock",
    "at 12:00": "at twelve o'clock",
    "at 14:00 or 14:30": "at two p.m. or two thirty p.m.",
    "at 00:00 or 00:30": "at midnight or twelve thirty a.m.",
    "at 7pm.": "at seven p.m.",
    "at 7 PM?": "at seven p.m.?",
    "at 7:05 a.m. today": "at seven oh five a.m. today",
    "Come at 7 a.m. Then go.": "Come at seven a.m. Then go.",
    "9am-5pm": "nine a.m. to five p.m.",
    "9am–5pm": "nine a.m. to five p.m.",
    "I am 7 am I not?": "I am seven am I not?",
    "10:15:30": "ten fifteen and thirty seconds",
}
DATES = {
    "on 2026-11-21": "on November twenty-first, twenty twenty-six",
    "on 21/11/2026": "on November twenty-first, twenty twenty-six",
    "on 3/4/2026": "on March fourth, twenty twenty-six",
    "on 3.4.2026": "on April third, twenty twenty-six",
    "on 21-11-2026": "on November twenty-first, twenty twenty-six",
    "on 11/21/66": "on November twenty-first, nineteen sixty-six",
    "on 11/21": "on November twenty-first",
    "12/25": "December twenty-fifth",
    "on 3/4": "on March fourth",
    "March 3rd": "March third",
    "March 3": "March third",
    "march 3 miles": "march three miles",
    "november 21": "november twenty-first",
    "March 3, 2026.": "March third, twenty twenty-six.",
    "May 3-5": "May third to fifth",
    "Nov. 21, 2026": "November twenty-first, twenty twenty-six",
    "3 March 2026": "the third of March twenty twenty-six",
    "the 3rd of March": "the third of March",
    "on 3 May": "on the third of May",
    "in March 2026": "in March twenty twenty-six",
    "in 1966": "in nineteen sixty-six",
    "1984 is a book": "nineteen eighty-four is a book",
    "in 1905": "in nineteen oh-five",
    "in 2005": "in two thousand and five",
    "in 2026": "in twenty twenty-six",
    "in 1066": "in ten sixty-six",
    "1500 calories": "one thousand five hundred calories",
    "2000 people": "two thousand people",
    "in the 1990s": "in the nineteen nineties",
    "the '90s": "the nineties",
    "the ’80s": "the eighties",
    "in her 30s": "in her thirties",
    "the 2020s": "the twenty twenties",
    "the 1900s": "the nineteen hundreds",
}
MONEY = {
    "$120": "one hundred and twenty dollars",
    "$1": "one dollar",
    "$3.50": "three dollars and fifty cents",
    "$1.01": "one dollar and one cent",
    "$0.50 or $.99": "fifty cents or ninety-nine cents",
    "$5.00": "five dollars",
    "£5": "five pounds",
    "£2.01": "two pounds and one penny",
    "€1,000": "one thousand euros",
    "¥500": "five hundred yen",
    "50¢": "fifty cents",
    "120$ or 5 €": "one hundred and twenty dollars or five euros",
    "1€ or a 20$ bill": "one euro or a twenty dollar bill",
    "₹50": "fifty rupees",
    "$2 million": "two million dollars",
    "$1.5bn": "one point five billion dollars",
    "$5k": "five thousand dollars",
    "$5-10": "five to ten dollars",
    "$5-$10": "five to ten dollars",
    "-$5": "minus five dollars",
    "a $20 bill": "a twenty dollar bill",
}
UNITS = {
    "50%": "fifty percent",
    "3.5 %": "three point five percent",
    "5km": "five kilometres",
    "a 5km run": "a five kilometre run",
    "1kg": "one kilogram",
    "70.5 kg": "seventy point five kilograms",
    "6ft": "six feet",
    "6in, but 6 in a row": "six inches, but six in a row",
    "I'm 5'10\" tall": "I'm five foot ten tall",
    "5’10 or 6′2″": "five foot ten or six foot two",
    "20°C": "twenty degrees Celsius",
    "-5 °F": "minus five degrees Fahrenheit",
    "20°": "twenty degrees",
    "100mph": "one hundred miles per hour",
    "20 mg": "twenty milligrams",
    "90min": "ninety minutes",
    "10m²": "ten metres squared",
    "x² or 5³": "x squared or five cubed",
}
CODES = {
    "555-1234": "five five five, one two three four",
    "(415) 555-2671": "four one five, five five five, two six seven one",
    "415-555-2671.": "four one five, five five five, two six seven one.",
    "+1 415 555 2671": "plus one, four one five, five five five, two six seven one",
    "+14155552671": "plus one, four one five, five five five, two six seven one",
    "07700 900123": "zero seven seven zero zero, nine zero zero one two three",
    "1234 5678 9012 3456": "one two three four, five six seven eight, nine zero one two, three four five six",
    "I rang 911.": "I rang nine one one.",
    "call 988": "call nine eight eight",
    "3.11.2": "three point eleven point two",
    "192.168.0.1": "one nine two dot one six eight dot zero dot one",
    "A4 and B2B": "A four and B two B",
    "MP3": "M P three",
    "COVID-19": "covid nineteen",
    "Covid-19": "Covid-nineteen",
    "H2O or H₂O": "H two O or H two O",
    "5G": "five G",
    "gate 12B": "gate twelve B",
    "anna.lee7@example.com.": "anna dot lee seven at example dot com.",
    "see https://www.example.com/a-b/?q=1.": "see example dot com slash a dash b.",
    "see example.co.uk/x9!": "see example dot co dot uk slash x nine!",
}
SIGNS = {
    "Tom & Anna": "Tom and Anna",
    "R&D": "R and D",
    "C++.": "C plus plus.",
    "18+": "eighteen plus",
    "x = y": "x equals y",
    "@anna": "at anna",
    "#1": "number one",
    "#metoo": "hashtag metoo",
    "No. 5 is alive": "number five is alive",
    "You said no. 5 left.": "You said no. five left.",
    "p. 5 and pp. 6-7": "page five and pages six to seven",
    "a #@%! idiot": "a #@%! idiot",
    "٣٤ and １２ and ⑩ and 10⁶": "thirty-four and twelve and ten and ten six",
}
ABBREVIATIONS = {
    "Mr. and Mrs. Lee met Ms. Stone": "Mister and Missus Lee met Ms Stone",
    "dr. lee": "doctor lee",
    "I saw the Dr.": "I saw the Doctor.",
    "Prof. Ames said “no.”": "Professor Ames said “no.”",
    "at St. Mary's": "at Saint Mary's",
    "In St. Ives": "In Saint Ives",
    "on Elm St. yesterday": "on Elm Street yesterday",
    "He left Elm St. Then he ran.": "He left Elm Street. Then he ran.",
    "She lives on Elm Ave. Does she?": "She lives on Elm Avenue. Does she?",
    "pears, etc. and plums, etc.": "pears, et cetera and plums, et cetera.",
    "fruit, e.g. pears, i.e. soft ones": "fruit, for example pears, that is soft ones",
    "E.g. pears": "For example pears",
    "approx. 5 vs. 6": "approximately five versus six",
    "Lee & Co. Ltd. is old": "Lee and Company Limited is old",
    "Mon. to Fri.": "Monday to Friday.",
    "my rev. was": "my rev. was",
    "at 3 a.m. in the U.S.": "at three a.m. in the U.S.",
    "Mr.Smith wrote to x.co. in Leeds": "Mr.Smith wrote to x.co. in Leeds",
}
TABLE = NUMBERS | PAIRS | TIMES | DATES | MONEY | UNITS | CODES | SIGNS | ABBREVIATIONS


@pytest.mark.parametrize(("text", "spoken"), TABLE.items())
def test_the_spoken_form(text: str, spoken: str) -> None:
    assert spell_out(text) == spoken
    assert spell_out(spoken) == spoken


@pytest.mark.parametrize(
    "text", ["", "How do you feel?", "I see. Tell me more…", "“Why?” she said; well, why not?", " a\n"]
)
def test_plain_talk_stays_as_it_is(text: str) -> None:
    assert spell_out(text) == text


def test_white_space_and_lines_stay() -> None:
    assert spell_out("  30\n\n  40\t%.  ") == "  thirty\n\n  forty percent.  "


def test_a_text_full_of_digits_is_read_digit_by_digit() -> None:
    assert spell_out("12 " * 32 + "12") == "one two " * 32 + "one two"


AMOUNTS = st.integers(0, 10**13).map(str) | st.from_regex(r"[0-9]{1,3}(,[0-9]{3}){0,2}(\.[0-9]{1,2})?", fullmatch=True)
SHAPES = st.sampled_from(
    [
        *(
            "{}",
            "${}",
            "£{}k",
            "-{}",
            "{}%",
            "{}:30",
            "{}pm",
            "{}-{}",
            "{}/{}",
            "{}th",
            "{}s",
            "'{}s",
            "March {}",
            "{} May",
        ),
        *("{}kg", "{}°C", "{}'{}\"", "{}x{}", "B{}C", "No. {}", "#{}", "+{}", "St. {}", "{}.{}.{}", "{}-{}-{}"),
        *("{}/{}/{}", "a{}@b.com"),
    ]
)
TALK = st.lists(
    st.builds(lambda shape, numbers: shape.format(*numbers), SHAPES, st.tuples(AMOUNTS, AMOUNTS, AMOUNTS))
    | st.sampled_from(
        ["I", "paid", "Dr.", "St.", "Anna", "in", "a", "on", "etc.", "&", "p.m.", "call", "No.", "and", "..."]
    ),
    max_size=8,
).map(" ".join)
ODD = st.text("0123456789 .,:/-+$%#&@'xapmkst()=°½²٣MSDNo\n", max_size=40)


@given(TALK | ODD | st.text(max_size=40))
@example("۰3⁄⅓")
@example("1ſt and Mrſ. a, eſt. b, fİg. 3, ſt. 4, 5 Kg")
def test_no_digit_is_left_and_again_changes_nothing(text: str) -> None:
    spoken = spell_out(text)
    assert not [char for char in spoken if char.isdigit()]
    assert spell_out(spoken) == spoken


@given(TALK)
def test_talk_keeps_its_spacing(text: str) -> None:
    assert spell_out(text) == " ".join(spell_out(text).split())


@given(
    st.lists(st.sampled_from(["I", "feel,", "You", "“so”", "well.", "Why?", "É", "it's", "—", "…", "😀"])).map(" ".join)
)
def test_text_without_numbers_is_untouched(text: str) -> None:
    assert spell_out(text) == text


@given(
    st.lists(st.sampled_from([*_NAMES, "Dr", "E.G", "x", ".", " ", ")", "é", "\u212a", "9"]), max_size=8).map("".join)
)
def test_the_quick_looks_miss_nothing(text: str) -> None:
    assert may_need(text) or _ABBREVIATION.search(text) is None
    assert _SPECIAL.search(text) is None or not (text.isascii() and not text.encode().translate(None, _PLAIN))
