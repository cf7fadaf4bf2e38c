"""Put template.yaml and infra/*.yaml together into one flat template, and check it.

Stages: merge the parts (a name may exist once), write the REST API's definition (`openapi`), add what follows from
names (`conventions`). The result, build/template.yaml, is what SAM builds and deploys and what the local cloud runs.
Flat, because nested stacks cannot be updated everywhere.

    python -m infra.assemble            write build/template.yaml
    python -m infra.assemble --check    also expand it as AWS would, and lint both
"""

import copy
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from infra.conventions import Resource, Template, apply_conventions
from infra.openapi import definition
from signalbox.domain.errors import InvalidValueError

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "template.yaml"
BUILT = ROOT / "build" / "template.yaml"

REGION = "eu-central-1"
"""Only for expanding: SAM wants one, and nothing in the result depends on it."""

_HEADER = "# Written by `python -m infra.assemble` from template.yaml and infra/*.yaml. Change those.\n"
_CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


def assemble() -> Template:
    """Return the whole template, intrinsic functions in their long form.

    Raises
    ------
    InvalidValueError
        If a part holds more than Resources, or two parts hold the same name.
    """
    template = _read(TEMPLATE)
    for part in sorted((ROOT / "infra").glob("*.yaml")):
        merge(template["Resources"], _read(part), part.name)
    api = template["Resources"]["RestApi"]
    api["Properties"]["DefinitionBody"] = definition(api["Metadata"]["Routes"], template["Resources"])
    apply_conventions(template)
    return template


def merge(resources: dict[str, Resource], part: Template, name: str) -> None:
    """Add the resources of the part infra/`name` to `resources`, in place.

    Raises InvalidValueError if the part holds anything else, or a name that is taken.
    """
    if list(part) != ["Resources"]:
        raise InvalidValueError(f"infra/{name} must hold Resources and nothing else, held {', '.join(part)}")
    twice = resources.keys() & part["Resources"].keys()
    if twice:
        raise InvalidValueError(f"infra/{name} must not repeat {', '.join(sorted(twice))}: the name is taken")
    resources.update(part["Resources"])


def assembled_text() -> str:
    """Return the whole template as YAML."""
    return _HEADER + yaml.dump(assemble(), Dumper=_WithoutAliases, sort_keys=False, width=140)


def with_packages(template: Template, place: Callable[[Path], str]) -> Template:
    """Return a copy of `template` whose code lies in S3: `place` is given each folder and returns its `s3://` address.

    A folder named twice is placed once. Layers that exist only on AWS are placed too: SAM wants an address of each.
    """
    packaged = copy.deepcopy(template)
    placed: dict[str, str] = {}
    for resource in packaged["Resources"].values():
        key = _CODE.get(resource["Type"])
        if key is not None:
            folder = resource["Properties"][key]
            if folder not in placed:
                placed[folder] = place(ROOT / folder)
            resource["Properties"][key] = placed[folder]
    return packaged


def expanded() -> Template:
    """Return the template as CloudFormation sees it after the SAM transform, code at made-up addresses."""
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    def somewhere(folder: Path) -> str:
        return f"s3://packages/{folder.relative_to(ROOT).as_posix()}.zip"

    # It warns of a feature file that only AWS's own service has.
    logging.getLogger("samtranslator.feature_toggle.feature_toggle").setLevel(logging.ERROR)
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    translated = translator.translate(with_packages(assemble(), somewhere), parameter_values={})
    # SAM's strings and dictionaries are types of its own, which nobody else should meet.
    plain: Template = json.loads(json.dumps(translated))
    return plain


def check(folder: Path) -> list[str]:
    """Write the template and its expansion into `folder`; return what cfn-lint finds in them, one line each."""
    from infra.lint import findings

    raw, full = folder / BUILT.name, folder / "template.expanded.json"
    raw.write_text(assembled_text())
    full.write_text(json.dumps(expanded(), indent=1))
    return findings(raw, expanded=False) + findings(full, expanded=True)


def main(arguments: list[str]) -> int:
    """Write the template, and with `--check` judge it; return the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m infra.assemble [--check]", file=sys.stderr)  # noqa: T201 (a command's own output)
        return 2
    BUILT.parent.mkdir(exist_ok=True)
    if not arguments:
        BUILT.write_text(assembled_text())
        return 0
    found = check(BUILT.parent)
    for finding in found:
        print(finding, file=sys.stderr)  # noqa: T201 (a command's own output)
    print(f"templates: {len(found) or 'no'} findings")  # noqa: T201 (a command's own output)
    return 1 if found else 0


class _WithoutAliases(yaml.SafeDumper):
    """Writes what is shared twice instead of by reference, which CloudFormation does not read everywhere."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 (PyYAML's signature)
        return True


def _read(path: Path) -> Template:
    from samtranslator.yaml_helper import yaml_parse

    document: Template = yaml_parse(path.read_text())
    return document


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
