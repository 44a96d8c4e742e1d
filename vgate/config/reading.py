"""Reading YAML that a user wrote: nothing in it may be lost, and nothing may take long."""

from typing import Any

import yaml

# With what aliases stand for counted each time: a few lines of them could stand for more than fits into the memory.
MOST_NODES = 100_000
DEEPEST = 64


def read_yaml(text: str) -> Any:
    """The document; raises yaml.YAMLError, for a key that a mapping has twice too, of which the first would be lost."""
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _check(root)
        return loader.construct_document(root)
    except RecursionError:
        raise yaml.YAMLError("nested too deeply") from None
    finally:
        loader.dispose()


def _check(root: yaml.Node) -> None:
    left, seen = [(root, 1)], 0
    while left:
        node, depth = left.pop()
        seen += 1
        if depth > DEEPEST:
            raise _problem(f"found more than {DEEPEST} levels", node)
        if seen > MOST_NODES:
            raise _problem(f"found more than {MOST_NODES} values, those that aliases stand for included", node)
        left += [(inner, depth + 1) for inner in _inner(node)]


def _inner(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if not isinstance(node, yaml.MappingNode):
        return []
    names = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if (key.tag, key.value) in names:
                raise _problem("found a key for the second time", key)
            names.add((key.tag, key.value))
    return [part for pair in node.value for part in pair]


def _problem(what: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=what, problem_mark=node.start_mark)
