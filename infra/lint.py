"""cfn-lint over the template, as written and as expanded.

Both, because each hides something: findings in resources that SAM generates are dropped from the first, and findings
that concern SAM's own resources do not exist in the second.
"""

from pathlib import Path

IGNORED = {
    True: {
        "W3005": "SAM writes DependsOn beside the references that already say it",
        "W3660": "gateway responses exist beside the API's body only on the local cloud, which reads none from it",
        "I3042": "SAM writes the partition of the region it expands for",
    },
    False: {},
}
"""What is not reported, with the reason, by whether the template is the expanded one."""


def findings(template: Path, *, expanded: bool) -> list[str]:
    """Return what cfn-lint finds in a template, one line each, information included."""
    from cfnlint.api import lint_file
    from cfnlint.config import ManualArgs

    matches = lint_file(
        template,
        config=ManualArgs(regions=["eu-central-1"], include_checks=["I"], ignore_checks=sorted(IGNORED[expanded])),
    )
    return [f"{template.name}:{found.linenumber}: {found.rule.id} {found.message}" for found in matches]
