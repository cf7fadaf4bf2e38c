"""cfn-lint over the template, as written and as expanded.

Both, because each hides something: findings in resources that SAM generates are dropped from the first, and findings
that concern SAM's own resources do not exist in the second. It takes a minute, so a template found clean leaves
a seal in build/lint, named by all that the finding depends on, and is not looked at again while that stays the same.
"""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

SEALS = Path(__file__).resolve().parents[1] / "build" / "lint"

IGNORED = {
    True: {
        "W3005": "SAM writes DependsOn beside the references that already say it",
        "W3660": "gateway responses exist beside the API's body only on the local cloud, which reads none from it",
        "I3042": "SAM writes the partition of the region it expands for",
    },
    False: {},
}
"""What is not reported, with the reason, by whether the template is the expanded one."""


def findings(template: Path, *, expanded: bool, seals: Path = SEALS) -> list[str]:
    """Return what cfn-lint finds in a template, one line each, information included.

    Parameters
    ----------
    seals : Path
        Where templates that were found clean are remembered.
    """
    settings = {"regions": ["eu-central-1"], "include_checks": ["I"], "ignore_checks": sorted(IGNORED[expanded])}
    seal = seals / _name_of(template, settings)
    if seal.exists():
        return []
    found = _lint(template, settings)
    if not found:
        seals.mkdir(parents=True, exist_ok=True)
        seal.touch()
    return found


def _name_of(template: Path, settings: dict[str, list[str]]) -> str:
    rest = json.dumps([template.suffix, version("cfn-lint"), settings], sort_keys=True)
    return hashlib.sha256(rest.encode() + template.read_bytes()).hexdigest()


def _lint(template: Path, settings: dict[str, list[str]]) -> list[str]:
    from cfnlint.api import lint_file
    from cfnlint.config import ManualArgs

    matches = lint_file(template, config=ManualArgs(**settings))
    return [f"{template.name}:{found.linenumber}: {found.rule.id} {found.message}" for found in matches]
