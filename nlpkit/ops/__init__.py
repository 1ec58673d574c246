"""Functions of tensors, on every backend: linear-chain dynamic programs, rows of big tables, recurrences, copying."""

from typing import TYPE_CHECKING

from nlpkit.on_demand import on_demand

if TYPE_CHECKING:
    from nlpkit.ops import compiled, gru, linear_chain, potentials, tsne
    from nlpkit.ops.alignment import align_left
    from nlpkit.ops.chain_inputs import UNLABELLED, has_wrong_tag, prepare_tags
    from nlpkit.ops.copying import (
        SourceSymbols,
        last_of,
        last_symbols,
        matches,
        occur,
        shift_right,
        source_symbols,
        sum_by_symbol,
    )
    from nlpkit.ops.gru import GRUWeights, gru_step
    from nlpkit.ops.linear_chain import IMPOSSIBLE
    from nlpkit.ops.row_gradients import (
        RowGradient,
        SummedGradient,
        add_up,
        ask_for_rows,
        is_row_table,
        is_rows,
        look_up,
        row_gradient,
    )
    from nlpkit.ops.rows import add_to_rows, raw_table, set_rows, take_rows
    from nlpkit.ops.top_k import GROUP, smaller, top_k_of_many
    from nlpkit.ops.visible import cond, visible_values
    from nlpkit.ops.windows import window_table

__all__ = [
    "GROUP",
    "GRUWeights",
    "IMPOSSIBLE",
    "RowGradient",
    "SourceSymbols",
    "SummedGradient",
    "UNLABELLED",
    "add_to_rows",
    "add_up",
    "align_left",
    "ask_for_rows",
    "compiled",
    "cond",
    "gru",
    "gru_step",
    "has_wrong_tag",
    "is_row_table",
    "is_rows",
    "last_of",
    "last_symbols",
    "linear_chain",
    "look_up",
    "matches",
    "occur",
    "potentials",
    "prepare_tags",
    "raw_table",
    "row_gradient",
    "set_rows",
    "shift_right",
    "smaller",
    "source_symbols",
    "sum_by_symbol",
    "take_rows",
    "top_k_of_many",
    "tsne",
    "visible_values",
    "window_table",
]

__getattr__ = on_demand(__name__)
