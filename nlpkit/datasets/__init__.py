"""Files to examples, and examples to padded batches of few shapes."""

from typing import TYPE_CHECKING

from nlpkit.on_demand import on_demand

if TYPE_CHECKING:
    from nlpkit.datasets import files
    from nlpkit.datasets.accumulated import AccumulatedBatches
    from nlpkit.datasets.bad_lines import read_good_lines
    from nlpkit.datasets.batches import BucketedBatches
    from nlpkit.datasets.files import (
        BYTE_ORDER_MARK,
        PARTIAL,
        PARTIAL_MODEL,
        check_name,
        check_place,
        check_readable,
        decode_line,
        digest_of,
        ending_of,
        open_bytes,
        read_lines,
        why_not_written,
        write_atomically,
        written_atomically,
    )
    from nlpkit.datasets.lexicon_files import read_lexicon
    from nlpkit.datasets.locks import check_free, exclusive
    from nlpkit.datasets.padding import batches_by_length, gather_padded, scatter_places, shift_right
    from nlpkit.datasets.readers import (
        Row,
        field_of,
        parse_json,
        parse_object,
        read_conll,
        read_jsonl,
        read_tsv,
        read_words,
    )
    from nlpkit.datasets.summary import LENGTHS, percentiles, share
    from nlpkit.datasets.vector_files import load_array, npy_header, read_chosen_vectors, read_vectors, write_vectors
    from nlpkit.datasets.windows import Windows, cut_windows, overlapping_windows

__all__ = [
    "Row",
    "AccumulatedBatches",
    "BYTE_ORDER_MARK",
    "BucketedBatches",
    "LENGTHS",
    "PARTIAL",
    "PARTIAL_MODEL",
    "Windows",
    "batches_by_length",
    "check_free",
    "check_name",
    "check_place",
    "check_readable",
    "cut_windows",
    "decode_line",
    "digest_of",
    "ending_of",
    "exclusive",
    "field_of",
    "files",
    "gather_padded",
    "load_array",
    "npy_header",
    "open_bytes",
    "overlapping_windows",
    "parse_json",
    "parse_object",
    "percentiles",
    "read_chosen_vectors",
    "read_conll",
    "read_good_lines",
    "read_jsonl",
    "read_lexicon",
    "read_lines",
    "read_tsv",
    "read_vectors",
    "read_words",
    "scatter_places",
    "share",
    "shift_right",
    "why_not_written",
    "write_atomically",
    "write_vectors",
    "written_atomically",
]

__getattr__ = on_demand(__name__)
