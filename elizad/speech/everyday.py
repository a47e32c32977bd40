"""Everyday words that are never names, and capitals that are never shouted. Data only; keys in capitals."""

from __future__ import annotations

from typing import Final

from elizad.speech.verbs import ADVERBS, AUXILIARIES, CONJUNCTIONS, DETERMINERS, PREPOSITIONS, PRONOUNS, VERBS, listed

__all__ = ["ACRONYMS", "EVERYDAY", "FUNCTION_WORDS", "NUMBER_WORDS"]

NUMBER_WORDS: Final = listed(
    "ZERO OH ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE TEN ELEVEN TWELVE TWENTY THIRTY FORTY FIFTY HUNDRED"
)

FUNCTION_WORDS: Final = (
    AUXILIARIES
    | CONJUNCTIONS
    | DETERMINERS
    | PREPOSITIONS
    | PRONOUNS
    | ADVERBS
    | listed(
        "me my mine myself your yours yourself yourselves him his himself hers herself itself us our ours ourselves "
        "them their theirs themselves one both either neither none nothing anything something everything anybody "
        "anyone nobody be been being not no yes"
    )
)

_OTHERS: Final = listed(
    "able abuse accident across actor address adult advice afraid afternoon age ago ah air airport alcohol alive "
    "alone along alright amazing ambulance anger angry animal animals anxiety anxious anyway apart apartment apple "
    "apples arm arms army art ashamed asleep attention aunt auntie autumn awake aware away awful baby back bag bank "
    "bath beautiful bed bedroom beer best better bicycle bike bills bird birds birthday bitter black blood blue boat "
    "body book books boring born boss bottle box boy boyfriend boys brain brave bread breakfast breath bright brother "
    "brothers brown bus business busy butter bye cake camera cancer car cards careful cars cat cats certain chair "
    "chance cheap cheese chicken child childhood children chocolate church city class clear clever clients clothes "
    "clouds club coffee cold colleague colleagues college color colour comfortable coming common company complete "
    "computer computers concert congratulations cool correct couple course court cousin crazy crime crowd cruel cup "
    "curious customers dad daddy dads damn dangerous dark darling date daughter daughters day days dead deaf dear "
    "death debt debts deep dentist depressed depression desk different difficult dinner dirty disaster disease doctor "
    "doctors dog dogs door doors dreadful drinking driving drugs dry dumb during earlier early ears easy education "
    "eight eighth electricity else email embarrassed emotion emotions empty enough environment evening events "
    "everywhere evil ex exactly exam example exams excellent excited exciting excuse exercise exhausted expensive "
    "eyes face fact failure fair faith family famous fantastic far farm fast fat father fathers fault favorite "
    "favourite feelings feet few fifteen fifth film fine finger fish five flat flowers food foolish foot football "
    "foreign forever four fourth free freedom fresh friend friendly friends friendship front fruit full fun funny "
    "furious furniture future game games garden gentle ghost gift girl girlfriend girls glad glass god gonna goodbye "
    "gosh government grandad grandfather grandma grandmother grandpa grandparents grass grateful green grey grief "
    "group guilt guilty guitar guy guys gym hair half hall hand hands happily happiness happy hard head headache "
    "headaches health healthy heart heavy hello here hey hi high hill history holiday holidays home homework honest "
    "honey horrible horse hospital hot hotel hour hours house housework huge human humans hungry husband husbands ice "
    "idea ideas idiot ill illness important impossible instead insurance interested interesting internet jealous "
    "jealousy job jobs joy justice kid kids kind kitchen knee lady land language large late later laundry law lawyer "
    "lazy leader least leg legs less lessons letter letters library life light list loads loneliness lonely long loss "
    "lots lottery loud lovely lover low luck lucky lunch machine machines mad maid mainly mam man many marriage "
    "masters match maths meal meaning medicine meeting meetings memories memory men message messages middle milk "
    "million minute minutes mirror miserable mistake mistakes mom moment moments moms money monster month months mood "
    "moon morning mortgage mother mothers mountain mouth movie movies mum mummy mums murder music mystery naked "
    "narrow nasty nature necessary neck neighbor neighbors neighbour neighbours nephew nervous news nice niece night "
    "nightmare nightmares nights nine noise noisy nonsense noon nope normal north nose notes novel number numbers "
    "nurse ocean odd office oil ok okay older oops orange other others ouch outside oven overall pain painful pains "
    "pants paper parent parents park part partner party patience patient patients peace people percent perfect person "
    "personal phone photo photos physical piano picture pictures pizza place places plane plants plate pleasant "
    "pleasure plenty poem police politics poor poverty power pregnant present president pressure pretty price pride "
    "prison private prize problem problems project proper proud purpose quarter queen quick quiet rain reading ready "
    "reason reasons red relationship relationships religion rent responsible restaurant rice rich right river road "
    "robot robots room rough rubbish rude rules sad sadly sadness safe salary salt sandwich sandwiches school schools "
    "science sea second secret secrets self selfish sense serious seven several sex shame shit shoes shop shopping "
    "short shoulder shower shy sibling siblings sick side silence silly simple single sir sister sisters six skin sky "
    "sleeping sleepy slow small smart smoking snow soap social society soft someday son song songs sons sore sorrow "
    "sorry soup south space special spring stage stairs star stars station stomach stomachs stone stories story "
    "strange stranger strangers street stress stressed strict strong student students stuff stupid success suicide "
    "suitcase summer sun sunshine sure surgery sweet table tablets talking tall taxes tea teacher teachers team "
    "teenager teeth television ten terrible text therapist therapy thin thing things third thirsty thirty thousand "
    "three ticket time times today together toilet tomorrow tonight tooth top tough towel town traffic tree trees "
    "trip trouser truth twelve twenty twice twins two ugly uncle unfair unfortunately unhappy universe university up "
    "useful useless vacation very village violence voice voices wall walls war warm water weak weather wedding week "
    "weekend weeks weight weird welcome well west wet white wide wife wild window windows wine winter wise woman "
    "women wonderful wood word words working world worse worst worth wow wrong yeah year years yellow yep yesterday "
    "yoga young yup"
)

EVERYDAY: Final = (FUNCTION_WORDS | VERBS | _OTHERS) - {"I"}
"""Words whose capital at the head of a sentence means nothing."""

ACRONYMS: Final = listed(
    "AA AC ADD ADHD AI AIDS ATM BA BBC BMW CBT CD CEO CIA CNN CPR CT CV DIY DJ DNA DVD ECG EEG ER EU FAQ FBI FM GP "
    "GPS HBO HIV HR HSBC IBM ICU ID IQ IRS IT IV IVF KFC LA LED LGBT LOL MA MBA MIT MP MRI MS MTV NASA NATO NBA NFL "
    "NHS NY NYC OCD OK OMG PC PE PHD PIN PMS PR PTA PTSD RAF RIP RSPCA RV SOS STD SUV TB TV UCLA UFO UK UN UNESCO "
    "UNICEF US USA USB VAT VIP WC XL YMCA"
)
