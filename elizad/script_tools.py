"""`elizad script`: tools for those who write scripts. What can be wrong with a script is decided in eliza/check.py."""

from __future__ import annotations

import difflib
import sys
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from elizad.eliza.check import Finding, as_written, inspect, pattern
from elizad.eliza.parser import parse_script
from elizad.eliza.script import EXPRESSION, Link, Pre, Rule, Say, Script, describe
from elizad.errors import ConfigError, Problem, ScriptError
from elizad.mind import read_script
from elizad.ops.visible import visible

EXIT_CLEAN: Final = 0
EXIT_FINDINGS: Final = 1
EXIT_NO_KEYWORD: Final = 2

_MEMORY: Final = "MEMORY"


def check(name: str) -> int:
    """Print all that is wrong with a script, by name or path; return 0 if that is nothing, else 1.

    Raises:
        ConfigError: there is no such script, or it does not load.
    """
    script = _load(name)
    findings = inspect(script)
    if sys.stdout.isatty():
        _show_findings(name, script, findings)
    else:
        for finding in findings:
            print(visible(f"{name}:{finding.line or ''}: {finding.keyword}: {finding.message}"))
        print(f"{name}: {_summary(script)}, {_count(len(findings), 'finding')}")
    return EXIT_FINDINGS if findings else EXIT_CLEAN


def show(name: str, keyword: str | None = None) -> int:
    """Print the rules of a script: a table of all keywords, or all about one (NONE, MEMORY and EXPRESSION included).

    Into a pipe the table is tab-separated, a line for each keyword, and the rule an indented list.

    Returns:
        0, or 2 if the script has no such keyword.

    Raises:
        ConfigError: there is no such script, or it does not load.
    """
    script = _load(name)
    if keyword is None:
        _show_all(name, script)
        return EXIT_CLEAN
    wanted = keyword.upper()
    nodes = [_rule(script, rule) for rule in script.all_rules if rule.keyword == wanted]
    if wanted == _MEMORY:
        nodes = [_memory(script)]
    elif wanted == EXPRESSION:
        nodes += [_rule(script, expression.rule) for expression in script.expressions]
    if not nodes:
        close = difflib.get_close_matches(wanted, script.rules, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        print(visible(f"elizad: {name} has no keyword {wanted}{hint}"), file=sys.stderr)
        return EXIT_NO_KEYWORD
    for node in nodes:
        if sys.stdout.isatty():
            Console(highlight=False).print(_tree(node))
        else:
            _print_plain(node, 0)
    return EXIT_CLEAN


def _load(name: str) -> Script:
    try:
        return parse_script(read_script(name), as_written)
    except ScriptError as error:
        raise ConfigError([Problem("", str(error))], name) from None


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number or 'no'} {what}s"


def _summary(script: Script) -> str:
    answering = sum(rule.active for rule in script.rules.values())
    says = sum(
        isinstance(one, Say) for rule in script.all_rules for t in rule.transformations for one in t.reassemblies
    )
    expressions = f", {_count(len(script.expressions), 'rule')} for expressions" if script.expressions else ""
    return f"{_count(answering, 'keyword')} that can answer, {says + len(script.memory_forms)} replies{expressions}"


# -- check -------------------------------------------------------------------------------------------------------


def _show_findings(name: str, script: Script, findings: list[Finding]) -> None:
    console = Console(highlight=False)
    if findings:
        table = Table("line", "keyword", "finding", box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.columns[0].justify = "right"
        for line, keyword, message in findings:
            table.add_row(str(line or ""), Text(keyword, "bold cyan"), Text(visible(message)))
        console.print(table)
    style = "yellow" if findings else "green"
    summary = Text.assemble((name, "bold"), f": {_summary(script)}, ", (_count(len(findings), "finding"), style))
    console.print(summary, soft_wrap=True)


# -- show --------------------------------------------------------------------------------------------------------


class _Node(NamedTuple):
    """A line of what is shown, and what stands below it."""

    text: str
    style: str = ""
    below: tuple[_Node, ...] = ()


def _rule(script: Script, rule: Rule) -> _Node:
    facts = [rule.keyword]
    if rule.substitute is not None:
        facts.append(f"= {rule.substitute.said}")
    facts.append(f"rank {rule.rank}")
    facts += [f"/{tag}" for tag in rule.tags]
    facts.append(f"line {rule.line}")
    below = [
        _Node(
            pattern(transformation.decomposition.elements),
            "yellow",
            tuple(
                _Node(describe(one), "green" if isinstance(one, Say) else "magenta")
                for one in transformation.reassemblies
            ),
        )
        for transformation in rule.transformations
    ]
    if rule.link is not None:
        below.append(_Node(f"(={rule.link})", "magenta"))
    if sources := _sources(script, rule.keyword):
        below.append(_Node("linked from " + ", ".join(sources), "dim"))
    if rule.keyword == script.memory_keyword:
        below.append(_Node("what comes here is remembered (MEMORY)", "dim"))
    return _Node("  ".join(facts), "bold cyan", tuple(below))


def _memory(script: Script) -> _Node:
    forms = tuple(
        _Node(pattern(form.decomposition.elements), "yellow", (_Node(describe(Say(form.parts)), "green"),))
        for form in script.memory_forms
    )
    return _Node(f"{_MEMORY}  {script.memory_keyword}", "bold cyan", forms)


def _sources(script: Script, keyword: str) -> list[str]:
    return [
        rule.keyword
        for rule in script.rules.values()
        if rule.link == keyword
        or any(
            isinstance(one, Link | Pre) and one.keyword == keyword
            for transformation in rule.transformations
            for one in transformation.reassemblies
        )
    ]


def _tree(node: _Node) -> Tree:
    tree = Tree(Text(visible(node.text), node.style), guide_style="dim")
    for one in node.below:
        tree.add(_tree(one))
    return tree


def _print_plain(node: _Node, depth: int) -> None:
    print("  " * depth + visible(node.text))
    for one in node.below:
        _print_plain(one, depth + 1)


_HEADINGS: Final = ("keyword", "rank", "said as", "tags", "decompositions", "replies", "on to")


def _row(rule: Rule) -> tuple[str, ...]:
    reassemblies = [one for transformation in rule.transformations for one in transformation.reassemblies]
    targets = [one.keyword for one in reassemblies if isinstance(one, Link | Pre)]
    if rule.link is not None:
        targets.append(rule.link)
    return (
        rule.keyword,
        str(rule.rank) if rule.active else "",
        rule.substitute.said if rule.substitute is not None else "",
        " ".join(f"/{tag}" for tag in rule.tags),
        str(len(rule.transformations) or ""),
        str(sum(isinstance(one, Say) for one in reassemblies) or ""),
        " ".join(dict.fromkeys(targets)),
    )


def _show_all(name: str, script: Script) -> None:
    """Print a line for each keyword, in the order in which they win."""
    rules = sorted(script.all_rules[:-1], key=lambda rule: (not rule.active, -rule.rank))
    rows = [_row(rule) for rule in (*rules, script.none)]
    if not sys.stdout.isatty():
        for row in (_HEADINGS, *rows):
            print("\t".join(map(visible, row)))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    styles = ("bold cyan", "yellow", "green", "blue", "", "", "magenta")
    for heading, style in zip(_HEADINGS, styles, strict=True):
        table.add_column(heading, style=style, justify="right" if heading in ("rank", "replies") else "left")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    console = Console(highlight=False)
    console.print(Text(visible(" ".join(word.said for word in script.opening)), "green"))
    console.print(table)
    console.print(Text(f"{name}: {_summary(script)}", "bold"))
