"""Scores from a published table: nothing is trained, every architecture somebody else trained is looked up.

Searches choose by the table's validation column. Its test column tells how good the choice was, and is
read when the search is over; whoever searches on it runs an oracle, and is told so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nastk.estimators.estimator import Estimator, NetworkInput
from nastk.estimators.score import Score
from nastk.genotype import Genotype
from nastk.tables.kinds import NETWORK_INPUTS, PERCENTAGES
from nastk.tables.table import open_table
from nastk.wording import counted


class TableScores(Estimator):
    """The values of one column on one data set; counts the distinct architectures that were asked.

    column: None takes the table's validation column. Raises ValueError for a file that is no such table,
    a column or data set it does not have, and later for an architecture it does not have.
    """

    comparable = True

    def __init__(self, path: Path, space: str, dataset: str, column: str | None = None) -> None:
        self.table = open_table(path)
        part = self.table.part_of(space)
        self.column = self.table.column(column or part.validation, dataset)
        if self.column.space != space:
            raise ValueError(f"{path}: {column} is a column of space {self.column.space}, not of {space}")
        self.validation, self.report = part.validation, part.report
        self.network_input = NetworkInput(*NETWORK_INPUTS[dataset]) if dataset in NETWORK_INPUTS else None
        self.asked: dict[str, None] = {}  # in the order of the first question

    def train(
        self,
        genotypes: Sequence[Genotype],
        *,
        lr: float,  # noqa: ARG002
        drop_path: float,  # noqa: ARG002
    ) -> list[Score]:
        return [self.score(genotype) for genotype in genotypes]

    def score(self, genotype: Genotype) -> Score:
        quantity, arch = self.column.quantity, str(genotype.body)
        if arch not in self.column.rows:
            raise ValueError(f"{self.table.path} does not have the architecture {arch}")
        self.asked[arch] = None
        value = float(self.column.values[self.column.rows[arch]])
        return Score(
            value,
            quantity.metric,
            quantity.direction,
            quantity.split,
            source=f"table {self.table.path.name}, {self.column.name}",
            accuracy=value if quantity.metric in PERCENTAGES else math.nan,
            cost=0.0,
        )

    def finalists(self, population: Sequence[Genotype]) -> Sequence[Genotype]:  # noqa: ARG002
        return [Genotype(self.column.space, arch) for arch in self.asked]

    def figures(self) -> dict[str, Any]:
        return {"queries": len(self.asked)}

    def notes(self) -> list[str]:
        split = self.column.quantity.split
        what = f"{self.table.path}: {self.column.name} of {self.column.dataset} ({split})"
        if split == "test":
            return [
                f"{what}: an oracle run, which chooses by test figures; a search chooses by {self.validation}"
            ]
        return [f"scores from {what}, which needs no images"]

    def details(self, genotype: Genotype) -> dict[str, Any]:
        """The table, the queries, and the test figure of the architecture, if the table has one."""
        column = self.column
        found: dict[str, Any] = {
            "table": self.table.path.name,
            "column": column.name,
            "split": column.quantity.split,
            "dataset": column.dataset,
            "queries": len(self.asked),
        }
        if self.report in self.table.columns:
            test = self.table.column(str(self.report), column.dataset)
            found["test"] = {
                "column": test.name,
                "metric": test.quantity.metric,
                "value": float(test.values[test.rows[str(genotype.body)]]),
            }
        return found

    def remarks(self, genotype: Genotype) -> list[str]:
        found = self.details(genotype)
        lines = [f"{counted(found['queries'], 'architecture')} looked up in {found['table']}"]
        if "test" in found:
            role = "chose: an oracle run" if found["split"] == "test" else "chose nothing"
            lines.append(f"{found['test']['column']} {found['test']['value']:.4f} ({role})")
        return ["; ".join(lines)]

    def state_dict(self) -> dict[str, Any]:
        return {"asked": list(self.asked)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.asked = dict.fromkeys(state["asked"])
