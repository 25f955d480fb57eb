//! Columns in: any table that speaks Arrow's PyCapsule interface (polars, pyarrow, pandas), without a copy.

use arrow_array::RecordBatch;
use crm_core::api::frames;
use pyo3::prelude::*;
use pyo3_arrow::PyTable;

/// Answers a request over a table.
#[pyfunction]
pub fn call_frame(py: Python<'_>, request: &str, table: PyTable) -> String {
    py.detach(|| {
        let (mut batches, schema) = table.into_inner();
        if batches.is_empty() {
            // The columns of a table without rows are known all the same.
            batches.push(RecordBatch::new_empty(schema));
        }
        frames::answer(request, &batches)
    })
}
