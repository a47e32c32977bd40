"""Everyday words that are never names, and capitals that are never shouted. Data only; keys in capitals."""

from __future__ import annotations

from typing import Final

from elizad.speech.verbs import ADVERBS, AUXILIARIES, CONJUNCTIONS, DETERMINERS, PREPOSITIONS, PRONOUNS, VERBS

__all__ = ["ACRONYMS", "EVERYDAY", "FUNCTION_WORDS", "NUMBER_WORDS"]

NUMBER_WORDS: Final = frozenset(
    "ZERO OH ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE TEN ELEVEN TWELVE TWENTY THIRTY FORTY FIFTY HUNDRED".split()
)

FUNCTION_WORDS: Final = (
    AUXILIARIES
    | CONJUNCTIONS
    | DETERMINERS
    | PREPOSITIONS
    | PRONOUNS
    | (ADVERBS - {"I"})
    | frozenset(
        "me my mine myself your yours yourself yourselves him his himself hers herself itself us our ours ourselves them "
        "their theirs themselves one both either neither none nothing anything something everything anybody anyone "
        "nobody be been being not no yes".upper().split()
    )
)

_OTHERS: Final = (
    "able above abuse accident across actor address adult advice afraid afternoon age ago ah air airport alcohol alive alone "
    "along alright amazing ambulance anger angry animal animals answer anxiety anxious anyway apart apple apples "
    "apartment arm arms army art ashamed asleep attention aunt auntie autumn awake aware away awful baby back "
    "bad bag bank bath beautiful bed bedroom beer being best better bicycle big bike bills bird birds birthday bit "
    "bitter black blood blue boat body book books bored boring born boss bottle box boy boyfriend boys brain brave "
    "bread breakfast breath bright broken brother brothers brown bus business busy butter bye cake camera cancer car "
    "cards careful cars cat cats certain chair chance cheap cheese chicken child childhood children chocolate church "
    "city class clear clever clients close clothes clouds club coffee cold colleague colleagues college colour color comfortable "
    "coming common company complete computer computers concert confused congratulations cool correct couple course court "
    "cousin crazy crime crowd cruel cup curious customers dad daddy dads damn dangerous dark darling date daughter daughters "
    "day days dead deaf dear death debt debts deep dentist depressed depression desk different difficult dinner dirty "
    "disaster disease divorce divorced doctor doctors dog dogs door doors down dreadful dreams drinking driving drugs "
    "drunk dry dumb during ears earlier early easy education eight eighth either electricity else email embarrassed emotion "
    "emotions empty enough environment evening events everywhere evil ex exactly exam exams example excellent excited "
    "exciting excuse exercise exhausted expensive eyes face fact failure fair faith family famous fantastic far farm "
    "fast fat father fathers fault favourite favorite fear feelings feet fell few fifteen fifth film fine finger "
    "fire fish five flat flowers food foot football foolish foreign forever four fourth free freedom fresh "
    "friday friend friendly friends friendship front fruit full fun funny furious furniture furthermore future game games garden "
    "gentle ghost gift girl girlfriend girls glad glass god gonna goodbye gosh government grandad grandfather grandma "
    "grandmother grandpa grandparents grass grateful green grey grief group guilt guilty guitar guy guys gym hair half "
    "hall hand hands happily happiness happy hard head headache headaches health healthy heart heavy hello here hey hi "
    "high hill history holiday holidays home homework honest honey horrible horse hospital hot hotel hour hours house "
    "housework huge human humans hungry husband husbands ice idea ideas idiot ill illness important impossible inside "
    "instead insurance interested interesting internet jealous jealousy job jobs joy justice kid kids kind kitchen knee "
    "lady land language large last late later laundry law lawyer lazy leader least left leg legs less lessons letter "
    "letters library life light list little loads lonely loneliness long loss lots lottery loud love lovely lover low "
    "luck lucky lunch machine machines mad maid mainly mam man many marriage married masters match maths meal meaning "
    "medicine meeting meetings memories memory men message messages middle might milk million mind mine minute minutes "
    "mirror miserable mistake mistakes mom moms moment moments monday money monster month months mood moon morning "
    "mortgage most mother mothers mountain mouth movie movies mum mummy mums murder music mystery naked name names "
    "narrow nasty nature near necessary neck neighbour neighbours neighbor neighbors neither nephew nervous news nice "
    "niece night nightmare nightmares nights nine noise noisy nonsense noon nope normal north nose notes novel number "
    "numbers nurse ocean odd off office often oh oil ok okay older oops orange other others ouch outside oven overall pain "
    "painful pains panic pants paper parent parents park part partner party patience patient patients pay peace people percent perfect "
    "person personal phone photo photos physical piano picture pictures pizza place places plane plants plate pleasant "
    "pleasure plenty poem police politics poor poverty power pregnant present president pressure pretty price pride "
    "prison private prize problem problems project proper proud purpose quarter queen questions quick quiet rain reading "
    "ready reason reasons red relationship relationships religion rent responsible restaurant rice rich right river "
    "road robot robots room rough rubbish rude rules sad sadly sadness safe salary salt sandwich sandwiches saturday school schools science "
    "sea second secret secrets self selfish sense serious seven several sex shame she'd shit shoes shop shopping short "
    "shoulder shower shy sibling siblings sick side sign silence silly simple single sir sister sisters six skin sky "
    "sleepy sleeping slow small smart smoking snow soap social society soft someday son song songs sons sore sorrow sorry "
    "soup south space special spring stage stairs star stars station stomach stomachs stone story stories strange stranger strangers "
    "street stress stressed strict strong student students stuff stupid success suicide suitcase summer sun sunday sunshine "
    "sure surgery sweet table tablets talking tall taxes tea teacher teachers team tears teenager teeth television ten "
    "terrible terrified text thanks therapist therapy thin thing things third thirsty thirty thousand three thursday "
    "ticket time times tired today together toilet tomorrow tonight tooth top tough towel town traffic train tree trees "
    "trip trouble trouser true truth tuesday twelve twenty twice twins two ugly uncle under unfair unfortunately unhappy "
    "universe university unless up useful useless vacation very village violence voice voices wall walls war warm water weak weather "
    "wedding wednesday week weekend weeks weight weird welcome well west wet whatever white wide wife wild window windows "
    "wine winter wise woman women wonderful wood word words working world worse worst worth wow wrong yeah year years yellow "
    "yep yesterday yoga young yup"
)

_DAYS: Final = frozenset("MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY".split())

EVERYDAY: Final = (FUNCTION_WORDS | VERBS | frozenset(_OTHERS.upper().split())) - _DAYS - {"I"}
"""Words whose capital at the head of a sentence means nothing."""

ACRONYMS: Final = frozenset(
    "AA AC ADD ADHD AI AIDS ATM BA BBC BMW CBT CD CEO CIA CNN CPR CT CV DIY DJ DNA DVD ECG EEG ER EU FAQ FBI FM GP GPS "
    "HBO HIV HR HSBC IBM ICU ID IQ IRS IT IV IVF KFC LA LED LGBT LOL MA MBA MIT MP MRI MS MTV NASA NATO NBA NFL NHS NY "
    "NYC OCD OK PC PE PHD PIN PMS PR PTA PTSD RAF RIP RSPCA RV SOS STD SUV TB TV UCLA UFO UK UN UNESCO UNICEF US USA USB "
    "VAT VIP WC XL YMCA".split()
)
