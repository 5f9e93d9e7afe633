"""What an Airflow DAG does, as far as its text says: read, never run.

`python -m mlp_runtime.outline < dag.py` prints JSON: tasks with what they run, in an order in which
each comes after those before it, and one note for each thing that has no translation.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800}
_CRON = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
_READ = {
    "task_id",
    "bash_command",
    "python_callable",
    "retries",
    "retry_delay",
    "execution_timeout",
    "dag",
    "doc_md",
}


@dataclass
class Task:
    """One task."""

    name: str
    run: dict[str, str] | None = None
    doc: str | None = None
    after: list[str] = field(default_factory=list)
    attempts: int | None = None
    wait_seconds: int | None = None
    timeout_seconds: int | None = None
    notes: list[str] = field(default_factory=list)


class Reader:
    """Collects tasks and edges from the statements of a module, those of `with` and of decorated functions too."""

    def __init__(self, module: str) -> None:
        """`module` is the file's name, for references to its functions."""
        self.module = module
        self.name = "dag"
        self.doc: str | None = None
        self.schedule: tuple[str, str] | None = None
        self.defaults: dict[str, ast.expr] = {}
        self.tasks: dict[str, Task] = {}
        self.variables: dict[str, list[str]] = {}
        self.functions: dict[str, ast.FunctionDef] = {}
        self.notes: list[str] = []
        self.known: dict[ast.Call, list[str]] = {}

    def body(self, statements: list[ast.stmt]) -> None:
        """Read statements in order."""
        for statement in statements:
            self.statement(statement)

    def statement(self, statement: ast.stmt) -> None:
        """Read one statement; of those that decide or repeat, what is in them is told."""
        match statement:
            case ast.FunctionDef():
                self.function(statement)
            case ast.With():
                for item in statement.items:
                    self.called(item.context_expr)
                self.body(statement.body)
            case ast.Assign(targets=[target], value=value):
                self.assigned(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self.assigned(target, value)
            case ast.Expr(value=value):
                self.ends(value)
            case ast.For() | ast.While() | ast.If():
                kind = {ast.For: "loop", ast.While: "loop", ast.If: "condition"}[type(statement)]
                self.notes.append(f"the {kind} in line {statement.lineno}")

    def assigned(self, target: ast.expr, value: ast.expr) -> None:
        """A variable that stands for tasks, or for the defaults of all."""
        if isinstance(target, ast.Name) and isinstance(value, ast.Dict):
            pairs = zip(value.keys, value.values, strict=True)
            for key, item in pairs:
                if isinstance(key, ast.Constant):
                    self.defaults[str(key.value)] = item
            return
        ends = self.ends(value)
        if isinstance(target, ast.Name) and ends:
            self.variables[target.id] = ends

    def function(self, function: ast.FunctionDef) -> None:
        """A function: a DAG, a task, or something that a task calls."""
        names = [_called(item) for item in function.decorator_list]
        self.functions[function.name] = function
        for decorator, name in zip(function.decorator_list, names, strict=True):
            if name in ("dag", "task_group"):
                if name == "dag":
                    self.name, self.doc = function.name, ast.get_docstring(function)
                self.called(decorator)
                self.body(function.body)

    def called(self, expression: ast.expr) -> None:
        """The arguments of `DAG(…)` or `@dag(…)`."""
        if not isinstance(expression, ast.Call) or _called(expression).lower() != "dag":
            return
        keywords = {item.arg: item.value for item in expression.keywords if item.arg}
        identifier = keywords.get("dag_id", expression.args[0] if expression.args else None)
        if isinstance(identifier, ast.Constant):
            self.name = str(identifier.value)
        for key in ("description", "doc_md"):
            if isinstance(text := keywords.get(key), ast.Constant):
                self.doc = str(text.value)
        defaults = keywords.get("default_args")
        if isinstance(defaults, ast.Dict):
            self.assigned(ast.Name("default_args"), defaults)
        schedule = keywords.get("schedule", keywords.get("schedule_interval"))
        if isinstance(schedule, ast.Constant) and isinstance(schedule.value, str):
            cron = _CRON.get(schedule.value, schedule.value)
            self.schedule = (cron, "UTC") if len(cron.split()) == 5 else None
        if schedule is not None and self.schedule is None and not _is_none(schedule):
            self.notes.append(f"its schedule {ast.unparse(schedule)}")

    def ends(self, expression: ast.expr) -> list[str]:
        """The tasks that an expression stands for; edges are noted on the way."""
        match expression:
            case ast.BinOp(left=left, op=ast.RShift(), right=right):
                return self.edge(left, right)
            case ast.BinOp(left=left, op=ast.LShift(), right=right):
                self.edge(right, left)
                return self.ends(right)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [name for item in items for name in self.ends(item)]
            case ast.Name(id=name):
                return self.variables.get(name, [])
            case ast.Call():
                # A call stands for the same tasks however often it is looked at.
                if expression not in self.known:
                    self.known[expression] = self.call(expression)
                return self.known[expression]
        return []

    def edge(self, first: ast.expr, second: ast.expr) -> list[str]:
        """`first >> second`."""
        before, after = self.ends(first), self.ends(second)
        for name in after:
            self.tasks[name].after += [
                other for other in before if other not in self.tasks[name].after
            ]
        return after

    def call(self, call: ast.Call) -> list[str]:
        """An operator, a decorated function, `chain(…)`, or a task's `set_downstream`."""
        name = _called(call)
        if name == "chain":
            for first, second in zip(call.args, call.args[1:], strict=False):
                self.edge(first, second)
            return self.ends(call.args[-1]) if call.args else []
        if isinstance(call.func, ast.Attribute) and name in ("set_downstream", "set_upstream"):
            owner, other = call.func.value, call.args[0]
            return self.edge(owner, other) if name == "set_downstream" else self.edge(other, owner)
        function = self.functions.get(name)
        if function is not None:
            return self.decorated(call, function)
        keywords = {item.arg: item.value for item in call.keywords if item.arg}
        if "task_id" in keywords:
            return [self.operator(name, keywords)]
        return []

    def decorated(self, call: ast.Call, function: ast.FunctionDef) -> list[str]:
        """A call of a function under `@task`: what is passed to it comes first."""
        kinds = [
            _dotted(item) for item in function.decorator_list if _dotted(item).startswith("task")
        ]
        if not kinds or kinds[0] == "task_group":
            return []
        decorator = next(
            item for item in function.decorator_list if _dotted(item).startswith("task")
        )
        given = decorator.keywords if isinstance(decorator, ast.Call) else []
        keywords = {item.arg: item.value for item in given if item.arg}
        task = self.task(_text(keywords.get("task_id")) or function.name, keywords)
        task.doc = ast.get_docstring(function)
        task.run = {"python": f"{self.module}:{function.name}"}
        if kinds[0] not in ("task", "task.python"):
            task.notes.append(f"`@{kinds[0]}`")
        passed = [*call.args, *(item.value for item in call.keywords)]
        task.after += [name for value in passed for name in self.ends(value)]
        if any(self.ends(value) for value in passed):
            task.notes.append("values that are handed from task to task: write them to files")
        return [task.name]

    def operator(self, kind: str, keywords: dict[str, ast.expr]) -> str:
        """An operator by its class."""
        task = self.task(_text(keywords["task_id"]) or "task", keywords)
        command, function = keywords.get("bash_command"), keywords.get("python_callable")
        if isinstance(command, ast.Constant):
            text = str(command.value)
            task.run = {"shell": text.replace("{", "{{")}
            if "{{" in text or "{%" in text:
                task.notes.append("templates in its command")
        elif function is not None and isinstance(function, ast.Name):
            task.run = {"python": f"{self.module}:{function.id}"}
        elif kind not in ("EmptyOperator", "DummyOperator"):
            task.notes.append(f"`{kind}`")
        else:
            task.run = {"shell": "true"}
        unknown = [key for key in keywords if key not in _READ and task.run is not None]
        task.notes += [f"`{key}` of `{kind}`" for key in unknown]
        return task.name

    def task(self, name: str, keywords: dict[str, ast.expr]) -> Task:
        """A new task with its retries and time limit."""
        said = {**self.defaults, **keywords}
        task = self.tasks[name] = Task(name)
        retries = said.get("retries")
        if isinstance(retries, ast.Constant) and isinstance(retries.value, int):
            task.attempts = retries.value + 1
        task.wait_seconds = _seconds(said.get("retry_delay"))
        task.timeout_seconds = _seconds(said.get("execution_timeout"))
        return task

    def ordered(self) -> Iterator[Task]:
        """Each task after those that come first; a circle is broken where it is met."""
        rest = dict(self.tasks)
        while rest:
            ready = (task for task in rest.values() if not any(name in rest for name in task.after))
            task = next(ready, next(iter(rest.values())))
            yield rest.pop(task.name)


def outline(text: str, module: str) -> dict[str, Any]:
    """What the DAG of a module does."""
    reader = Reader(module)
    tree = ast.parse(text)
    # What a task calls may be defined after it is named.
    reader.functions = {item.name: item for item in tree.body if isinstance(item, ast.FunctionDef)}
    reader.body(tree.body)
    steps = []
    for task in reader.ordered():
        told = {key: value for key, value in vars(task).items() if value is not None}
        if task.run is None:
            told["run"] = "unknown"
        steps.append(told)
    return {
        "name": reader.name,
        "doc": reader.doc,
        "schedule": reader.schedule,
        "steps": steps,
        "notes": reader.notes,
    }


def _dotted(expression: ast.expr) -> str:
    """`task.bash` of `@task.bash(…)`."""
    if isinstance(expression, ast.Call):
        return _dotted(expression.func)
    if isinstance(expression, ast.Attribute):
        return f"{_dotted(expression.value)}.{expression.attr}"
    return expression.id if isinstance(expression, ast.Name) else ""


def _called(expression: ast.expr) -> str:
    """The last part of what is called."""
    return _dotted(expression).rpartition(".")[2]


def _text(expression: ast.expr | None) -> str | None:
    return str(expression.value) if isinstance(expression, ast.Constant) else None


def _is_none(expression: ast.expr) -> bool:
    return isinstance(expression, ast.Constant) and expression.value is None


def _seconds(expression: ast.expr | None) -> int | None:
    """The length of `timedelta(minutes=5)`."""
    if not isinstance(expression, ast.Call) or _called(expression) != "timedelta":
        return None
    parts = [
        item.value.value * _SECONDS[item.arg]
        for item in expression.keywords
        if item.arg in _SECONDS
        and isinstance(item.value, ast.Constant)
        and isinstance(item.value.value, int | float)
    ]
    return int(sum(parts)) or None


if __name__ == "__main__":
    request = json.load(sys.stdin)
    try:
        answer: dict[str, Any] = {"outline": outline(request["text"], request["module"])}
    except SyntaxError as error:
        answer = {"error": f"line {error.lineno}: {error.msg}"}
    print(json.dumps(answer))
